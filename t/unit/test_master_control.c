/* The control socket of a master without virtual servers, and a reload of its configuration. */
#include "master/control.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/ipc/rows.h"
#include "master/daemon.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/requests.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

static struct master master;
static char folder[64], file[100];

static void write_file(const char *extra)
{
	FILE *to = fopen(file, "w");

	ck_assert_ptr_nonnull(to);
	fprintf(to, "run_dir %s\nmailroot_dir %s/spool\nvirtual_server main { enabled no\nfqdn a.example.com\n%s\n}\n",
		folder, folder, extra);
	fclose(to);
}

static void setup(void)
{
	strcpy(folder, "/tmp/control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/conf", folder);
	write_file("");
	ck_assert(master_configure(&master, file));
	master.control.answer = requests_answer;
	master.control.permit.starter = geteuid();
	ck_assert_int_eq(control_open(&master.control, folder), 0);
}

static void teardown(void)
{
	char command[128];

	control_close(&master.control);
	master_free(&master);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static int connect_client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, master.control.path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	control_accept(&master.control, 1000);
	return fd;
}

/* Lets master read the packets of its only client. */
static void serve(void)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (master.control.clients[i].fd >= 0)
			control_receive(&master.control, &master, &master.control.clients[i]);
	}
}

static size_t clients(void)
{
	size_t n = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		n += master.control.clients[i].fd >= 0;
	return n;
}

static char buffer[WIRE_PACKET_MAX];

/* The next packet of an answer; WIRE_NONE at the end. */
static enum wire_type next(int fd, struct span *text)
{
	struct ipc_packet packet;

	int error = ipc_receive(fd, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	ck_assert_msg(!error, "no answer: %s", strerror(-error));
	*text = packet.text;
	return packet.eof ? WIRE_NONE : wire_type_of(packet.text);
}

static void expect_done(int fd, unsigned exit_code, const char *word)
{
	struct wire_ctl_done done;
	struct span text;

	ck_assert_int_eq(next(fd, &text), WIRE_ctl_done);
	ck_assert(wire_decode_ctl_done(text, &done));
	ck_assert_uint_eq(done.exit_code, exit_code);
	ck_assert_msg(memmem(done.text.at, done.text.len, word, strlen(word)) != NULL, "%.*s", SPAN_ARGS(done.text));
	ck_assert_int_eq(next(fd, &text), WIRE_NONE);
	close(fd);
}

static void send_packet(int fd, struct str *packet)
{
	ck_assert_int_eq(ipc_send(fd, str_span(packet), NULL, 0), 0);
	str_free(packet);
	serve();
}

START_TEST(status_has_a_row_of_the_service)
{
	struct wire_ctl_status status = {.detail = true};
	struct wire_ctl_row row;
	struct str packet;
	struct span text;

	str_init(&packet, 1000);
	wire_encode_ctl_status(&status, &packet);
	int fd = connect_client();
	send_packet(fd, &packet);
	ck_assert_int_eq(next(fd, &text), WIRE_ctl_row);
	ck_assert(wire_decode_ctl_row(text, &row));
	ck_assert(span_equal(row.kind, SPAN(ROW_SERVICE)));
	ck_assert(span_starts(row.cells, SPAN(MAILROOT_VERSION)));
	ck_assert_int_eq(next(fd, &text), WIRE_ctl_row);
	ck_assert(wire_decode_ctl_row(text, &row));
	ck_assert(span_equal(row.kind, SPAN(ROW_SERVER)));
	ck_assert(span_starts(row.cells, SPAN("main\x1fstopped\x1fthe configuration says `enabled no`\x1f")));
	for (enum child_role role = 0; role < CHILD_WEB; role++) /* web, kerberos and filters are not needed */
		ck_assert_int_eq(next(fd, &text), WIRE_ctl_row);
	expect_done(fd, 0, "");
	ck_assert_uint_eq(clients(), 0);
}
END_TEST

static void order_server(const char *name, unsigned action, unsigned exit_code, const char *word)
{
	struct wire_ctl_server order = {.server = span_of(name), .action = action};
	struct str packet;

	str_init(&packet, 1000);
	wire_encode_ctl_server(&order, &packet);
	int fd = connect_client();
	send_packet(fd, &packet);
	expect_done(fd, exit_code, word);
}

START_TEST(orders_to_servers)
{
	const struct server *server = master.servers[0];

	order_server("nosuch", ROW_START, 1, "nosuch");
	order_server("main", ROW_PAUSE, 1, "only a running server can be paused");
	order_server("main", ROW_CONTINUE, 1, "server start");
	ck_assert_int_eq(server->order, SERVER_STOP);
	order_server("", ROW_PAUSE, 0, ""); /* all servers, but this one is unchanged */
	ck_assert_int_eq(server->order, SERVER_STOP);
	order_server("main", ROW_START, 0, "");
	ck_assert_int_eq(server->order, SERVER_RUN);
	order_server("main", ROW_PAUSE, 0, "");
	ck_assert_int_eq(server->order, SERVER_PAUSE);
	order_server("", ROW_CONTINUE, 0, "");
	ck_assert_int_eq(server->order, SERVER_RUN);
	order_server("main", ROW_STOP, 0, "");
	ck_assert_int_eq(server->order, SERVER_STOP);
}
END_TEST

START_TEST(servers_come_and_go_with_the_file)
{
	struct str report;
	FILE *to = fopen(file, "w");

	fprintf(to,
		"run_dir %s\nmailroot_dir %s/spool\nvirtual_server second { fqdn b.example.com; enabled no }\n"
		"virtual_server third { fqdn c.example.com; listen 127.0.0.1:1 }\n",
		folder, folder);
	fclose(to);
	str_init(&report, 100000);
	ck_assert_msg(reload_run(&master, false, &report) == ROW_RELOADED, "%s", str_text(&report));
	ck_assert_ptr_nonnull(strstr(str_text(&report), "server main: the whole server removed"));
	ck_assert_ptr_nonnull(strstr(str_text(&report), "server second: the whole server added, not enabled"));
	ck_assert_uint_eq(master.server_count, 3);
	ck_assert_ptr_null(master.servers[0]->config);
	ck_assert_int_eq(master_server(&master, SPAN("second"))->order, SERVER_STOP);
	ck_assert_int_eq(master_server(&master, SPAN("third"))->order, SERVER_RUN);
	order_server("main", ROW_START, 1, "no longer in the configuration");
	str_free(&report);
}
END_TEST

START_TEST(an_unknown_server_is_named)
{
	struct wire_ctl_connect connect = {.server = SPAN("nosuch"), .kind = CHILD_QUEUE};
	struct str packet;

	str_init(&packet, 1000);
	wire_encode_ctl_connect(&connect, &packet);
	int fd = connect_client();
	send_packet(fd, &packet);
	expect_done(fd, 1, "nosuch");
}
END_TEST

START_TEST(a_server_without_tokens_says_so)
{
	struct wire_ctl_connect connect = {.server = SPAN("main"), .kind = CHILD_WEB};
	struct str packet;

	str_init(&packet, 1000);
	wire_encode_ctl_connect(&connect, &packet);
	int fd = connect_client();
	send_packet(fd, &packet);
	expect_done(fd, 1, "main uses no access tokens");
}
END_TEST

START_TEST(a_packet_of_another_link_ends_the_connection)
{
	struct span text;
	struct str packet;

	str_init(&packet, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_ctl_master, WIRE_UP)
	{
		wire_sample(type, &packet);
		int fd = connect_client();
		ck_assert_int_eq(ipc_send(fd, str_span(&packet), NULL, 0), 0);
		serve();
		ck_assert_int_eq(next(fd, &text), WIRE_NONE);
		ck_assert_uint_eq(clients(), 0);
		close(fd);
	}
	str_free(&packet);
}
END_TEST

START_TEST(a_malformed_request_ends_the_connection)
{
	static const struct span bad[] = {SPAN("x"), SPAN("\xff\xff\xff"), SPAN("\0\0\0\0")};
	struct wire_arrived foreign = {.name = SPAN("x")};
	struct span text;
	struct str packet;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = connect_client();
		ck_assert_int_eq(ipc_send(fd, bad[i], NULL, 0), 0);
		serve();
		ck_assert_int_eq(next(fd, &text), WIRE_NONE);
		close(fd);
	}
	str_init(&packet, 1000);
	wire_encode_arrived(&foreign, &packet); /* a known packet, but not on this link */
	int fd = connect_client();
	send_packet(fd, &packet);
	ck_assert_int_eq(next(fd, &text), WIRE_NONE);
	close(fd);
	ck_assert_uint_eq(clients(), 0);
}
END_TEST

START_TEST(connections_are_bounded)
{
	int fds[CONTROL_CLIENTS_MAX];

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fds[i] = connect_client();
	ck_assert_uint_eq(clients(), CONTROL_CLIENTS_MAX);
	expect_done(connect_client(), 1, "too many");
	close(fds[3]);
	serve();
	ck_assert_uint_eq(clients(), CONTROL_CLIENTS_MAX - 1);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (i != 3)
			close(fds[i]);
}
END_TEST

START_TEST(a_slow_client_is_dropped)
{
	int fd = connect_client();
	struct span text;

	ck_assert_int_eq(control_tend(&master.control, 1001), CONTROL_IDLE_MS - 1);
	ck_assert_int_eq(control_tend(&master.control, 1000 + CONTROL_IDLE_MS), -1);
	ck_assert_uint_eq(clients(), 0);
	ck_assert_int_eq(next(fd, &text), WIRE_NONE);
	close(fd);
}
END_TEST

/* A client that never reads loses its connection and does not delay master. */
START_TEST(a_client_that_does_not_read_is_dropped)
{
	static char large[60000];
	struct control_client client = {.fd = -1};
	int ends[2], n = 0;

	ck_assert_int_eq(ipc_pair(ends, 200000), 0);
	fd_set_nonblock(ends[0], true);
	client.fd = ends[0];
	while (n < 1000 && control_text(&client, (struct span){large, sizeof(large)}))
		n++;
	ck_assert_int_lt(n, 1000);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_faulty_file_changes_nothing)
{
	struct str report;

	str_init(&report, 100000);
	write_file("relay { lst 10.0.0.0/8 }");
	ck_assert_int_eq(reload_run(&master, false, &report), ROW_REFUSED);
	ck_assert_ptr_nonnull(strstr(str_text(&report), ":5:"));
	ck_assert_uint_eq(master.generation, 0);
	ck_assert_uint_eq(master.config.servers[0].relay.list.n, 0);
	str_free(&report);
}
END_TEST

START_TEST(a_good_file_is_in_force_and_a_check_is_not)
{
	struct str report;

	str_init(&report, 100000);
	write_file("relay { list 10.0.0.0/8 }");
	ck_assert_int_eq(reload_run(&master, true, &report), ROW_RELOADED);
	ck_assert_uint_eq(master.config.servers[0].relay.list.n, 0);
	str_clear(&report);
	ck_assert_int_eq(reload_run(&master, false, &report), ROW_RELOADED);
	ck_assert_uint_eq(master.config.servers[0].relay.list.n, 1);
	ck_assert_uint_eq(master.generation, 1);
	str_clear(&report);
	ck_assert_int_eq(reload_run(&master, false, &report), ROW_RELOADED);
	ck_assert_str_eq(str_text(&report), "nothing changed\n");
	str_free(&report);
}
END_TEST

START_TEST(new_processes_are_told_of)
{
	struct str report;

	str_init(&report, 100000);
	write_file("listen 127.0.0.1:2599");
	ck_assert_int_eq(reload_run(&master, false, &report), ROW_RELOADED);
	ck_assert_ptr_nonnull(
		strstr(str_text(&report), "listen 127.0.0.1:2599 (was *:25); takes effect with new processes"));
	str_clear(&report);
	ck_assert_int_eq(reload_run(&master, false, &report), ROW_RELOADED);
	ck_assert_str_eq(str_text(&report), "nothing changed\n");
	str_free(&report);
}
END_TEST

/* The pid file is written as root: it must not be a link to the file of a user, and the mode of the socket must not
 * be set elsewhere. */
START_TEST(a_pid_file_with_two_names_is_not_written)
{
	char victim[200], pid_file[200], text[20] = "";
	int other = 0;

	snprintf(victim, sizeof(victim), "%s/victim", folder);
	snprintf(pid_file, sizeof(pid_file), "%s/mailrootd.pid", folder);
	unlink(pid_file);
	int fd = open(victim, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "precious", 8), 8);
	ck_assert_int_eq(link(victim, pid_file), 0);
	ck_assert_int_eq(daemon_lock(folder, &other), -EMEDIUMTYPE);
	ck_assert_int_eq(pread(fd, text, sizeof(text) - 1, 0), 8);
	ck_assert_str_eq(text, "precious");
	close(fd);
	unlink(pid_file);
	ck_assert_int_eq(symlink(victim, pid_file), 0);
	ck_assert_int_eq(daemon_lock(folder, &other), -EMEDIUMTYPE);
	unlink(pid_file);
	unlink(victim);
	ck_assert_int_eq(mkdir(pid_file, 0700), 0);
	ck_assert_int_eq(daemon_lock(folder, &other), -EMEDIUMTYPE);
	rmdir(pid_file);
}
END_TEST

START_TEST(only_one_master_can_run)
{
	int other = 0;

	int fd = daemon_lock(folder, &other);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(daemon_lock(folder, &other), -EWOULDBLOCK);
	ck_assert_int_eq(other, getpid());
	close(fd);
	fd = daemon_lock(folder, &other);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(daemon_lock("/nonexistent", &other), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tc = tcase_create("control");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, status_has_a_row_of_the_service);
	tcase_add_test(tc, an_unknown_server_is_named);
	tcase_add_test(tc, a_server_without_tokens_says_so);
	tcase_add_test(tc, orders_to_servers);
	tcase_add_test(tc, servers_come_and_go_with_the_file);
	tcase_add_test(tc, a_packet_of_another_link_ends_the_connection);
	tcase_add_test(tc, a_malformed_request_ends_the_connection);
	tcase_add_test(tc, connections_are_bounded);
	tcase_add_test(tc, a_slow_client_is_dropped);
	tcase_add_test(tc, a_client_that_does_not_read_is_dropped);
	tcase_add_test(tc, a_faulty_file_changes_nothing);
	tcase_add_test(tc, a_good_file_is_in_force_and_a_check_is_not);
	tcase_add_test(tc, new_processes_are_told_of);
	tcase_add_test(tc, a_pid_file_with_two_names_is_not_written);
	tcase_add_test(tc, only_one_master_can_run);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
