/* A reload while mail waits: which changes of the route make it due and where it goes then, which workers get jobs
 * meanwhile, what status shows after. */
#include "common/base/fd.h"
#include "queue/operator/report.h"
#include "t/unit/queue_fixture.h"

enum { REFUSED = 3 /* failures in a row with a window of 4: 1/4 + 1/3 + 1/2 */ };

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]");
}

static void reload(const char *extra)
{
	ck_assert(reload_take(&f.loop.queue, canonical(extra)));
	turn();
}

/* ID waits for an hour with the configuration EXTRA, because its host said 451. */
static struct hand *defer_under(const char *extra)
{
	struct wire_job_smtp job;
	char settings[1024];
	fixture_close();
	snprintf(settings, sizeof(settings), "delivery { retry 1h }; %s", extra);
	fixture_open(settings);
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	expect_nothing(w);
	return w;
}

static const struct {
	const char *before, *after;
	bool due;
} changes[] = {
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]:587", true},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]; outbound { tls off }", true},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]; outbound { implicit yes }", true},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]; outbound { helo_name we.example.com }", true},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]; outbound { source_address 127.0.0.1 }", true},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]; outbound { timeout 1m }", true},
	{"smart_host [192.0.2.1]; outbound { tls verify }",
	 "smart_host [192.0.2.1]; outbound { tls verify; auth login; username u; password_file /p }", true},
	{"smart_host [192.0.2.1]; outbound { tls verify; auth login; username u; password_file /p }",
	 "smart_host [192.0.2.1]; outbound { tls verify; auth login; username v; password_file /p }", true},
	{"smart_host [192.0.2.1]; outbound { tls verify; auth login; username u; password_file /p }",
	 "smart_host [192.0.2.1]; outbound { tls verify; auth plain; username u; password_file /p }", true},
	{"", "outbound { port 2525 }", true},
	{"remote_domain one.test { route dns }", "remote_domain one.test { route dns; outbound { tls encrypt } }",
	 true},
	{"connector c { address_space one.test; route [192.0.2.1] }",
	 "connector c { address_space one.test; route [192.0.2.1]; outbound { tls encrypt } }", true},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]; outbound { rate 10/1m; max_connections 3 }", false},
	{"smart_host [192.0.2.1]", "smart_host [192.0.2.1]; remote_domain two.test { outbound { tls off } }", false},
	/* Credentials are not inherited. */
	{"remote_domain one.test { route [192.0.2.1]; outbound { tls verify } }",
	 "remote_domain one.test { route [192.0.2.1]; outbound { tls verify } }; smart_host [192.0.2.9]; "
	 "outbound { tls verify; auth login; username u; password_file /p }",
	 false},
};

/* A change of the settings for its host makes a message due; other changes leave its time. */
START_TEST(the_route_is_more_than_the_host)
{
	char after[1024];
	bool by_address = strstr(changes[_i].before, "192.0.2.1");
	fixture_close();
	snprintf(after, sizeof(after), "delivery { retry 1h }; %s", changes[_i].after);
	if (by_address) {
		dismiss(defer_under(changes[_i].before));
	} else { /* its host is not looked up */
		fixture_open(changes[_i].before);
		accept_message(id, 0, "app@example.net", "u@one.test");
		pass(31 * 1000);
	}
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	reload(after);
	ck_assert_int_eq(known(id)->state != MESSAGE_WAITING, changes[_i].due);
	if (!changes[_i].due)
		ck_assert_int_gt(known(id)->due_ms, f.loop.queue.mono_ms);
}
END_TEST

static bool ended(const struct hand *w)
{
	char octet;
	turn();
	return recv(w->fd, &octet, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/* Workers with the old configuration report on their current jobs and get no more. */
START_TEST(workers_with_the_old_configuration_get_no_job)
{
	struct wire_job_smtp job;
	char other[MSGID_LEN + 1];
	fixture_close();
	fixture_open("smart_host [192.0.2.1]");
	struct hand *busy = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test");
	expect_smtp(busy, &job);
	struct hand *idle = hire(&f.loop.queue.delivery);
	links_detach(&f.loop.queue.delivery);
	ck_assert(ended(idle));
	accept_message(other, 0, "app@example.net", "v@one.test");
	expect_nothing(busy);
	report(busy, id, 0, 0, JOURNAL_RELAYED, 250, true);
	expect_nothing(busy);
	ck_assert_ptr_null(known(id));
	struct hand *fresh = hire(&f.loop.queue.delivery);
	expect_smtp(fresh, &job);
	ck_assert(span_equal(job.id, span_of(other)));
	dismiss(fresh);
	dismiss(idle);
	die(busy, &f.loop.queue.delivery);
}
END_TEST

static bool status_names(const char *what)
{
	struct str out;
	str_init(&out, 1 << 20);
	report_status(&f.loop.queue, NULL, &out);
	bool found = memmem(out.at, out.len, what, strlen(what));
	str_free(&out);
	return found;
}

/* A next hop that is down is in status only while mail waits for it. */
START_TEST(a_next_hop_without_mail_is_in_no_status)
{
	struct wire_job_smtp job;
	fixture_close();
	fixture_open("remote_domain one.test { route [192.0.2.1] }");
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test");
	expect_smtp(w, &job);
	const struct wire_verdict refused = {.id = span_of(id),
					     .worker = w->number,
					     .event = JOURNAL_DELAYED,
					     .enhanced = SPAN("4.7.4"),
					     .host = SPAN("[192.0.2.1]:25"),
					     .text = SPAN("no STARTTLS here"),
					     .last_of_job = true};
	send_verdict(&refused);
	let_go(w);
	turn();
	ck_assert(status_names("no STARTTLS here"));
	reload("remote_domain one.test { route [192.0.2.1]; outbound { tls off } }");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_RELAYED, 250, true);
	ck_assert(!status_names("no STARTTLS here"));
	dismiss(w);
}
END_TEST

/* All mail that waits for the old host: until it is up, until the time of the next attempt, or for a free
 * connection. */
START_TEST(changed_smart_host_gets_waiting_mail)
{
	struct wire_job_smtp job;
	char busy[MSGID_LEN + 1], greylisted[MSGID_LEN + 1];
	fixture_close();
	fixture_open("smart_host [192.0.2.1]");
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(greylisted, 0, "app@example.net", "u@one.test");
	expect_smtp(w, &job);
	report(w, greylisted, 0, 0, JOURNAL_DELAYED, 451, true);
	for (int i = 0; i < REFUSED; i++) {
		accept_message(id, 0, "app@example.net", "u@one.test");
		expect_smtp(w, &job); /* perhaps a connection that was refused before */
		ck_assert(span_copy(job.id, id, sizeof(id)));
		report(w, id, 0, 0, JOURNAL_DELAYED, 0, true);
	}
	accept_message(busy, 0, "app@example.net", "u@one.test");
	expect_nothing(w);
	reload("smart_host [192.0.2.5]");
	for (int i = 0; i < REFUSED + 2; i++) {
		char sent[MSGID_LEN + 1];
		expect_smtp(w, &job);
		ck_assert(span_equal(job.hosts, SPAN("192.0.2.5 192.0.2.5 25\n")));
		ck_assert(span_copy(job.id, sent, sizeof(sent)));
		report(w, sent, 0, 0, JOURNAL_DELIVERED, 250, true);
	}
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

/* A message that a change does not concern keeps its time, for example at a change of another domain's route. */
START_TEST(change_elsewhere_leaves_waiting_mail)
{
	struct wire_job_smtp job;
	char moved[MSGID_LEN + 1];
	fixture_close();
	fixture_open("smart_host [192.0.2.1]");
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	accept_message(moved, 0, "app@example.net", "u@two.test");
	expect_smtp(w, &job);
	report(w, moved, 0, 0, JOURNAL_DELAYED, 451, true);
	pass(MINUTE);
	int64_t due = known(id)->due_ms;
	reload("smart_host [192.0.2.1]\n remote_domain two.test { route [192.0.2.7] }");
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(moved)));
	ck_assert(span_equal(job.hosts, SPAN("192.0.2.7 192.0.2.7 25\n")));
	report(w, moved, 0, 0, JOURNAL_DELIVERED, 250, true);
	expect_nothing(w);
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_int_eq(known(id)->due_ms, due);
	ck_assert_uint_eq(known(id)->attempts, 1);
	dismiss(w);
}
END_TEST

/* A waiting message with several next hops waits on only if all of them are unchanged. */
START_TEST(change_for_one_of_several_recipients)
{
	static const char both[] = "smart_host [192.0.2.1]\n remote_domain two.test { route [192.0.2.2] }";
	struct wire_job_smtp job;
	fixture_close();
	fixture_open(both);
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test v@two.test");
	for (unsigned i = 0; i < 2; i++) {
		expect_smtp(w, &job);
		report(w, id, i, i, JOURNAL_DELAYED, 451, true);
	}
	pass(MINUTE);
	reload("smart_host [192.0.2.1]\n remote_domain two.test { route [192.0.2.2] }\n alias_domain three.test");
	expect_nothing(w);
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	reload("smart_host [192.0.2.1]\n remote_domain two.test { route [192.0.2.3] }");
	expect_smtp(w, &job);
	dismiss(w);
}
END_TEST

/* A message that is being sent while a reload changes its route, and that is delayed, is tried again at once. */
START_TEST(change_while_it_is_tried)
{
	struct wire_job_smtp job;
	fixture_close();
	fixture_open("smart_host [192.0.2.1]");
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test");
	expect_smtp(w, &job);
	reload("smart_host [192.0.2.5]");
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	expect_smtp(w, &job);
	ck_assert(span_equal(job.hosts, SPAN("192.0.2.5 192.0.2.5 25\n")));
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	expect_nothing(w);
	dismiss(w);
}
END_TEST

START_TEST(reload_makes_a_domain_local)
{
	struct wire_job_smtp job;
	fixture_close();
	fixture_open("smart_host [192.0.2.1]");
	accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert_int_eq(known(id)->state, MESSAGE_ACTIVE);
	reload("smart_host [192.0.2.1]\n local_domain one.test { }");
	ck_assert(exists(path_of("drop/%s.eml", id)));
	/* A message that a worker has stays with it. */
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@two.test");
	expect_smtp(w, &job);
	reload("smart_host [192.0.2.9]");
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_ptr_null(known(id));
	dismiss(w);
}
END_TEST

START_TEST(reload_after_a_restart)
{
	struct wire_job_smtp job;
	fixture_close();
	fixture_open("smart_host [192.0.2.1]");
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "u@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 0, true);
	dismiss(w);
	restart();
	turn();
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	reload("smart_host [192.0.2.5]");
	expect_smtp(w, &job);
	ck_assert(span_equal(job.hosts, SPAN("192.0.2.5 192.0.2.5 25\n")));
	dismiss(w);
}
END_TEST

START_TEST(bad_reload_changes_nothing)
{
	struct wire_job_smtp job;
	fixture_close();
	fixture_open("smart_host [192.0.2.1]");
	ck_assert(!reload_take(&f.loop.queue, fd_sealed("config", SPAN("nonsense"))));
	accept_message(id, 0, "app@example.net", "u@one.test");
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert(span_equal(job.hosts, SPAN("192.0.2.1 192.0.2.1 25\n")));
	dismiss(w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_reload");
	TCase *each = tcase_create("changes"), *rest = tcase_create("rest");
	tcase_add_checked_fixture(each, setup, fixture_close);
	tcase_add_checked_fixture(rest, setup, fixture_close);
	tcase_set_timeout(rest, 60);
	tcase_add_loop_test(each, the_route_is_more_than_the_host, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(rest, workers_with_the_old_configuration_get_no_job);
	tcase_add_test(rest, a_next_hop_without_mail_is_in_no_status);
	tcase_add_test(rest, changed_smart_host_gets_waiting_mail);
	tcase_add_test(rest, change_elsewhere_leaves_waiting_mail);
	tcase_add_test(rest, change_for_one_of_several_recipients);
	tcase_add_test(rest, change_while_it_is_tried);
	tcase_add_test(rest, reload_makes_a_domain_local);
	tcase_add_test(rest, reload_after_a_restart);
	tcase_add_test(rest, bad_reload_changes_nothing);
	suite_add_tcase(suite, each);
	suite_add_tcase(suite, rest);
	return suite_run(suite);
}
