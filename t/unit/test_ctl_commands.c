/*
 * The commands against a service of two virtual servers, which a forked process simulates: output, requests and exit
 * status.
 */
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "t/unit/ctl_fixture.h"

/* The queue of server "one" has message AAA for example.net, that of "two" is empty. Deletions are counted in a
 * file. */
static void play_queue(int fd, bool one, const struct ipc_packet *packet)
{
	struct wire_queue_show show;
	struct wire_queue_list list;
	struct wire_queue_act act;
	struct wire_queue_status status;
	char path[100];

	if (wire_decode_queue_list(packet->text, &list)) {
		if (one)
			send_row(
				fd, ROW_MESSAGE,
				"AAA|waiting|20480|a@example.com|2|3|7200|65|[192.0.2.1]:25|451 \x1b[2Jlater|b@example.net");
		send_done(fd, 0, "", -1);
	} else if (wire_decode_queue_show(packet->text, &show)) {
		bool found = one && span_equal(show.id, SPAN("AAA"));
		if (found) {
			send_row(fd, ROW_MESSAGE, "AAA|waiting|1|<>|1|1|5|9|hop|why|b@c.de");
			send_row(fd, ROW_RECIPIENT, "b@c.de|delayed|hop");
			send_row(fd, ROW_HISTORY, "2026-11-21T01:00:00Z|*|delayed|451|4.3.0|mx[192.0.2.1]:25|too busy");
		}
		send_done(fd, !found, found ? "" : "no such message in the queue", -1);
	} else if (wire_decode_queue_act(packet->text, &act)) {
		bool meant = one && (!act.select_id.len || span_equal(act.select_id, SPAN("AAA")));
		if (meant && !act.count_only) {
			snprintf(path, sizeof(path), "%s/acted-%u", folder, (unsigned)act.action);
			close(open(path, O_CREAT | O_WRONLY, 0644));
		}
		send_row(fd, ROW_COUNT, meant ? "1" : "0");
		send_done(fd, 0, "", -1);
	} else if (wire_decode_queue_status(packet->text, &status)) {
		send_row(fd, ROW_FACT, one ? "waiting|1" : "waiting|0");
		send_row(fd, ROW_FACT, one ? "held|1" : "held|0");
		send_done(fd, 0, "", -1);
	}
}

static void play_smtpd(int fd, const struct ipc_packet *packet)
{
	struct wire_explain_relay explain;
	struct wire_smtpd_status status;

	if (wire_decode_explain_relay(packet->text, &explain)) {
		send_row(fd, ROW_VERDICT, "refused|550 5.7.1 Unable to relay for a@b.de");
		send_row(fd, ROW_RULE, "/etc/m.conf:7|client is not in relay list");
		send_row(fd, ROW_CLIENT_LIMIT, "|messages|1.2.3.4|9/1m|7|fits||");
		send_row(fd, ROW_CLIENT_LIST, "/etc/m.conf:9|dnsbl|a.test 127.0.0.2|asked");
		send_row(fd, ROW_CLIENT_FILTER, "/etc/m.conf:8|virus|shown");
		send_row(fd, ROW_CLIENT_FILTER, "/etc/m.conf:6|spam|skip_list|10.0.0.0/8|/etc/m.conf:5");
		send_done(fd, 0, "accepted if it were listed", -1);
	} else if (wire_decode_smtpd_status(packet->text, &status)) {
		send_row(fd, ROW_FACT, "sessions|4");
		send_done(fd, 0, "", -1);
	}
}

static void play_child(int fd, bool one, enum child_role role)
{
	static char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;

	while (ipc_receive(fd, buffer, sizeof(buffer), 0, &packet) == 0 && !packet.eof) {
		if (role == CHILD_QUEUE)
			play_queue(fd, one, &packet);
		else
			play_smtpd(fd, &packet);
	}
	_exit(0);
}

static void play_connect(int fd, const struct wire_ctl_connect *connect)
{
	int link = send_link(fd);

	if (link >= 0)
		play_child(link, span_equal(connect->server, SPAN("one")), (enum child_role)connect->kind);
}

static void send_attention(int fd)
{
	char cells[300];

	snprintf(cells, sizeof(cells), "one|smtpd|%d|user_file %s/closed can't be opened: Permission denied", 77,
		 folder);
	send_row(fd, ROW_ATTENTION, cells);
}

static void play_master(int fd)
{
	static char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_ctl_status status;
	struct wire_ctl_connect connect;
	struct wire_ctl_stop stop;
	struct wire_ctl_server order;

	if (ipc_receive(fd, buffer, sizeof(buffer), 0, &packet) || packet.eof)
		return;
	if (wire_decode_ctl_status(packet.text, &status)) {
		send_row(fd, ROW_SERVICE, "9.9|123|3700|/etc/m.conf|2");
		send_row(fd, ROW_SERVER, "one|running||127.0.0.1:25 [::1]:25");
		send_row(fd, ROW_PROCESS, "one|smtpd|ready|124|60|2|killed by signal 9 (Killed)");
		send_row(fd, ROW_PROCESS, "one|queue|ready|125|60|0|");
		send_row(fd, ROW_ATTENTION, "one|smtpd|77|certificate /c.pem expired: renew it");
		send_attention(fd);
		send_row(fd, ROW_SERVER, "two|trouble|port in use|");
		send_done(fd, 0, "", -1);
	} else if (wire_decode_ctl_connect(packet.text, &connect)) {
		play_connect(fd, &connect);
	} else if (wire_decode_ctl_server(packet.text, &order)) {
		bool known = !order.server.len || span_equal(order.server, SPAN("one"));
		send_done(fd, !known, known ? "" : "there is no such server", -1);
	} else if (wire_type_of(packet.text) == WIRE_ctl_users) {
		send_done(fd, 0, "", -1);
	} else if (wire_decode_ctl_stop(packet.text, &stop)) {
		send_done(fd, 0, "stopping", -1);
		_exit(0);
	}
}

static void setup(void)
{
	fixture_open(play_master);
}

static bool acted(enum row_action action)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/acted-%u", folder, (unsigned)action);
	return access(path, F_OK) == 0;
}

START_TEST(status_tells_all)
{
	expect("status", EXIT_FAILED,
	       "mailrootd 9.9 has been running for 1h 1m (pid 123) with /etc/m.conf\n"); /* two is down */
	shows("server one is running, listens on 127.0.0.1:25 [::1]:25\n");
	shows("restarted 2 times; the last time because: killed by signal 9 (Killed)\n");
	shows("\n  smtpd: certificate /c.pem expired: renew it\n");
	shows("server two has trouble\n  port in use\n");
	shows("smtpd: sessions 4\n");
	shows("`mailrootctl queue list --server one` shows");
	shows("`mailrootctl test --to ADDRESS --server one` shows");
	shows("`mailrootctl queue release --all --server one` releases");
	expect("status --json", EXIT_FAILED, "\"listeners\":[\"127.0.0.1:25\",\"[::1]:25\"]");
	shows("{\"name\":\"two\",\"state\":\"trouble\",\"trouble\":\"port in use\","
	      "\"listeners\":[],\"sessions\":0,\"processes\":[],\"attention\":[],"
	      "\"smtpd\":{},\"queue\":{},\"warning\":"
	      "\"\",\"recipients\":[],\"mail_waits_for\":[]}]}\n");
	shows("\"attention\":[{\"role\":\"smtpd\",\"text\":\"certificate /c.pem expired: renew it\"}");
	shows("\"sessions\":4,");
}
END_TEST

START_TEST(a_service_that_is_down_is_3)
{
	stop_actor();
	expect("status", EXIT_NOT_RUNNING, "not running");
	expect("status --json", EXIT_NOT_RUNNING, "{\"running\":false}");
	expect("queue list", EXIT_NOT_RUNNING, "not running");
	expect("reload", EXIT_NOT_RUNNING, "not running");
}
END_TEST

START_TEST(queue_list_is_a_table_of_all_servers)
{
	expect("queue list", EXIT_DONE,
	       "ID   STATE    AGE  SIZE  FROM           TO                        NEXT TRY  WHY\n"
	       "AAA  waiting   2h   20K  a@example.com  b@example.net and 1 more     1m 5s  451 \\x1b[2Jlater\n"
	       "1 message. ");
	expect("queue list --server two", EXIT_DONE, "No mail in the queue.");
	expect("queue list --server three", EXIT_FAILED, "no virtual server three");
	expect("queue list --json", EXIT_DONE,
	       "{\"messages\":[{\"server\":\"one\",\"id\":\"AAA\",\"state\":\"waiting\",\"size\":20480,"
	       "\"sender\":\"a@example.com\",\"open\":2,\"recipients\":3,\"age_s\":7200,\"next_try_s\":65,"
	       "\"next_hop\":\"[192.0.2.1]:25\",\"reason\":\"451 "
	       "\\u001b[2Jlater\",\"first_open\":\"b@example.net\"}]}\n");
	expect("queue list --server two --json", EXIT_DONE, "{\"messages\":[]}\n");
}
END_TEST

START_TEST(queue_show_has_the_history)
{
	expect("queue show AAA", EXIT_DONE,
	       "    2026-11-21T01:00:00Z  all  delayed  mx[192.0.2.1]:25 said: 451 4.3.0 too busy\n");
	shows("    #0  b@c.de  delayed  via hop\n");
	shows("`mailrootctl queue retry AAA` tries now, `mailrootctl explain route "
	      "b@c.de --server one` explains");
	expect("queue show AAA --json", EXIT_DONE, "\"recipients\":[{\"address\":\"b@c.de\"");
	shows("\"history\":[{\"time\":\"2026-11-21T01:00:00Z\"");
	shows("\"code\":451");
	expect("queue show BBB", EXIT_FAILED, "no such message");
}
END_TEST

START_TEST(nothing_is_deleted_by_mistake)
{
	expect("queue delete", EXIT_USAGE, "which messages?");
	expect("queue delete AAA", EXIT_FAILED, "1 message will be deleted");
	shows("--yes");
	expect("queue delete BBB --yes", EXIT_FAILED, "BBB: no such message in the queue");
	ck_assert(!acted(ROW_DELETE));
	expect("queue delete AAA BBB --yes", EXIT_FAILED, "1 deleted. `mailrootctl badmail list`");
	shows("BBB: no such message");
	ck_assert(acted(ROW_DELETE));
	ck_assert(!acted(ROW_RETRY));
	expect("queue retry AAA", EXIT_DONE, "1 retried.");
	expect("queue retry --all", EXIT_FAILED, "Nothing was done");
	expect("queue retry --all --yes --json", EXIT_DONE,
	       "{\"retried\":1,\"in_hand\":0,\"already\":0,\"failed\":0,\"unknown\":[]}\n");
	ck_assert(acted(ROW_RETRY));
}
END_TEST

START_TEST(explain_relay_needs_client_and_server)
{
	expect("explain relay --to a@b.de", EXIT_USAGE, "--client");
	expect("explain relay --client 1.2.3 --to a@b.de", EXIT_USAGE, "--client 1.2.3:");
	expect("explain relay --client 1.2.3.4 --to a@@b", EXIT_USAGE, "--to a@@b:");
	expect("explain relay --client 1.2.3.4 --to a@b.de", EXIT_FAILED, "add --server");
	expect("explain relay --client 1.2.3.4 --to a@b.de --server one", EXIT_DONE,
	       "refused: 550 5.7.1 Unable to relay for a@b.de\n");
	shows("  /etc/m.conf:7: client is not in relay list\nThe limits of the client:\n  the default: messages 9/1m, of which 1.2.3.4 has used 7: one more fits\n"
	      "DNS lists of clients, and the pause before the greeting:\n  /etc/m.conf:9: dnsbl a.test 127.0.0.2: it is asked about the client\n"
	      "Filters, in the order in which they are asked:\n  /etc/m.conf:8: filter virus would see the message\n"
	      "  /etc/m.conf:6: filter spam would not see it, by 10.0.0.0/8 in skip_list (/etc/m.conf:5)\naccepted if it were listed\n");
	expect("explain relay --client ::1 --to a@b.de --server one --json", EXIT_DONE,
	       "{\"accepted\":false,\"reply\":\"550 5.7.1 Unable to relay for "
	       "a@b.de\",\"rules\":[{\"at\":\"/etc/m.conf:7\","
	       "\"rule\":\"client is not in relay list\"}],\"limits\":[{\"at\":\"\",\"limit\":\"messages\","
	       "\"of\":\"1.2.3.4\",\"most\":\"9/1m\",\"used\":7,\"next\":\"fits\",\"text\":\"\","
	       "\"exception_at\":\"\"}],\"lists\":[{\"at\":\"/etc/m.conf:9\",\"setting\":\"dnsbl\","
	       "\"value\":\"a.test 127.0.0.2\",\"effect\":\"asked\"}],\"filters\":[{\"at\":\"/etc/m.conf:8\",\"filter\":\"virus\",\"effect\":\"shown\","
	       "\"entry\":\"\",\"entry_at\":\"\"},{\"at\":\"/etc/m.conf:6\",\"filter\":\"spam\",\"effect\":\"skip_list\","
	       "\"entry\":\"10.0.0.0/8\",\"entry_at\":\"/etc/m.conf:5\"}],\"advice\":\"accepted if it were listed\"}\n");
}
END_TEST

START_TEST(stop_asks_first_and_waits_for_the_end)
{
	expect("stop", EXIT_FAILED, "--yes");
	expect("stop --yes", EXIT_DONE, "stopped\n");
	ck_assert_int_eq(waitpid(actor, NULL, 0), actor);
	actor = 0;
}
END_TEST

START_TEST(commands_without_a_service)
{
	stop_actor();
	expect("check", EXIT_DONE, "is good: 1 virtual server, 0 warnings\n");
	expect("check /nonexistent", EXIT_FAILED, "/nonexistent");
	expect("check --json", EXIT_DONE, "\"good\":true");
	expect("config show", EXIT_DONE, folder);
	expect("config show --json", EXIT_DONE, "\"run_dir\"");
	expect("config doc max_hops", EXIT_DONE, "Received");
	expect("config doc max_hobs", EXIT_FAILED, "max_hobs");
	expect("--version", EXIT_DONE, MAILROOT_VERSION);
	expect("--help", EXIT_DONE, "explain relay");
	expect("nonsense", EXIT_USAGE, "nonsense");
	expect("help", EXIT_DONE, "usage: mailrootctl");
	expect("help queue", EXIT_DONE, "  queue release {ID ... | SELECTOR ... | --all} [--yes]\n");
	ck_assert_ptr_nonnull(strstr(output, "\n  SELECTOR  --domain NAME"));
	ck_assert_ptr_null(strstr(output, "\n  BLOCK "));
	ck_assert_ptr_null(strstr(output, "status"));
	expect("queue retry AAA --help", EXIT_DONE, "  queue retry ");
	ck_assert_ptr_null(strstr(output, "queue list"));
	expect("help import-iis", EXIT_DONE, "  import-iis METABASE");
	expect("help status", EXIT_DONE, "  status\n");
	expect("help satus", EXIT_USAGE, "did you mean `mailrootctl status`?");
	expect("import MetaBase.xml", EXIT_USAGE, "did you mean `mailrootctl import-iis`?");
	expect("smtpdiag", EXIT_USAGE, "did you mean `mailrootctl doctor`?");
	expect("server resume one", EXIT_USAGE,
	       "server resume: no such command; did you mean `mailrootctl server continue`?");
	expect("server puase one", EXIT_USAGE, "did you mean `mailrootctl server pause`?");
	expect("pause one", EXIT_USAGE, "pause: no such command; did you mean `mailrootctl server pause`?");
	expect("server restart one", EXIT_USAGE,
	       "did you mean `mailrootctl server stop NAME` and `mailrootctl server start`?");
	expect("satus", EXIT_USAGE, "did you mean `mailrootctl status`?");
	expect("queue relase AAA", EXIT_USAGE, "did you mean `mailrootctl queue release`?");
	expect("queue zzzzzz AAA", EXIT_USAGE, "queue what? One of: list");
	expect("config doc smarthost", EXIT_FAILED, "there is no setting smarthost; did you mean smart_host?");
	expect("config doc masquerade", EXIT_FAILED, "did you mean masquerade_domain?");
	expect("config doc relay.list", EXIT_DONE, "list, in relay of virtual_server\n");
	ck_assert_ptr_null(strstr(output, "list, in connect"));
	expect("config doc relay list", EXIT_DONE, "The clients that relay allow refers to.");
	expect("config doc relay.lst", EXIT_FAILED, "did you mean list?");
	expect("config doc local_expire", EXIT_DONE, "Mail for a drop folder");
	expect("status --server one", EXIT_USAGE, "--server");
}
END_TEST

/* The service can't open the file "closed". The file is changed, but the command fails. */
START_TEST(users_are_kept_and_the_service_is_told)
{
	char file[100], line[200];

	snprintf(file, sizeof(file), "%s/closed", folder);
	FILE *closed = fopen(file, "w");
	fputs("ann can't be read\n", closed);
	fclose(closed);
	snprintf(line, sizeof(line), "user delete ann --file %s", file);
	expect(line, EXIT_FAILED, "user ann deleted, but the service does not know it yet: user_file ");
	expect(line, EXIT_FAILED, "there is no user ann in ");

	snprintf(file, sizeof(file), "%s/users", folder);
	FILE *to = fopen(file, "w");
	fputs("# kept\nann can't be read\nbob neither\n", to);
	fclose(to);
	snprintf(line, sizeof(line), "user delete ann --file %s", file);
	expect(line, EXIT_DONE, "user ann deleted; in force at once\n");
	stop_actor();
	snprintf(line, sizeof(line), "user delete bob --file %s", file);
	expect(line, EXIT_DONE, "user bob deleted; the service is not running\n");
	snprintf(line, sizeof(line), "user list --file %s", file);
	expect(line, EXIT_DONE, "No users in ");
	snprintf(line, sizeof(line), "user add bob --file %s", file);
	expect(line, EXIT_FAILED, "no password was given");
	snprintf(line, sizeof(line), "user list --server one --file %s", file);
	expect(line, EXIT_USAGE, "use one of them");
	expect("user list --server two", EXIT_FAILED, "no virtual server two");
	expect("user add b=b", EXIT_USAGE, "visible ASCII");
	expect("user add", EXIT_USAGE, "too few");
	expect("user add bob secret", EXIT_USAGE, "too many");
	expect("user delete bob --cram-md5", EXIT_USAGE, "--cram-md5");
	expect("user", EXIT_USAGE, "add, passwd, delete, list");
}
END_TEST

/* Server one runs and two has trouble, whatever the order. */
START_TEST(orders_to_servers_are_checked_by_their_result)
{
	expect("server start one", EXIT_DONE, "server one: running\n");
	expect("server start all", EXIT_FAILED, "server one: running\nserver two: trouble: port in use\n");
	expect("server stop one --json", EXIT_FAILED,
	       "{\"servers\":[{\"name\":\"one\",\"state\":\"running\",\"trouble\":\"\"}]}\n");
	expect("server pause three", EXIT_FAILED, "there is no such server");
	expect("server pause", EXIT_USAGE, "too few");
	expect("server", EXIT_USAGE, "start, stop, pause, continue");
	stop_actor();
	expect("server start one", EXIT_NOT_RUNNING, "not running");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("commands");
	TCase *tc = tcase_create("commands");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, fixture_close);
	tcase_add_test(tc, status_tells_all);
	tcase_add_test(tc, a_service_that_is_down_is_3);
	tcase_add_test(tc, orders_to_servers_are_checked_by_their_result);
	tcase_add_test(tc, queue_list_is_a_table_of_all_servers);
	tcase_add_test(tc, queue_show_has_the_history);
	tcase_add_test(tc, nothing_is_deleted_by_mistake);
	tcase_add_test(tc, explain_relay_needs_client_and_server);
	tcase_add_test(tc, stop_asks_first_and_waits_for_the_end);
	tcase_add_test(tc, commands_without_a_service);
	tcase_add_test(tc, users_are_kept_and_the_service_is_told);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
