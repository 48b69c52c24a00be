/* What alerts make of the state of a service that no process reports. */
#include <stdio.h>
#include <string.h>

#include "ctl/alerts/rounds.h"
#include "t/unit/suite.h"

enum { SECOND = 1000, NOW_S = 1800000000 };

static struct look look;
static struct watch watch;
static struct service service;
static struct service_server *server;
static struct look_seen seen;
static struct config_alert config;
static struct service_hop hop;
static int64_t now;

static void setup(void)
{
	memset(&look, 0, sizeof(look));
	memset(&watch, 0, sizeof(watch));
	memset(&seen, 0, sizeof(seen));
	now = (int64_t)NOW_S * SECOND;
	service = (struct service){.server_count = 1};
	server = &service.servers[0];
	hop = (struct service_hop){.name = "mx.test", .state = "up", .reason = "", .messages = 1, .counted = true};
	*server = (struct service_server){.name = "a", .state = "running", .trouble = "", .hops = &hop, .hop_count = 1};
	server->processes[0] = (struct service_process){.role = "queue", .state = "ready", .last_end = ""};
	server->processes[1] = (struct service_process){.role = "smtpd", .state = "ready", .last_end = ""};
	server->process_count = 2;
	server->queue = (struct service_facts){.at = {{"badmail_messages", "0"}}, .n = 1};
	server->smtpd = (struct service_facts){.at = {{"sessions", "0"}}, .n = 1};
	seen.service = &service;
	seen.asked[0] = true;
	config = (struct config_alert){.queue_age = 60 * SECOND,
				       .next_hop_down = 10 * SECOND,
				       .badmail = true,
				       .certificate = 86400 * SECOND,
				       .disk = 10,
				       .problems = true};
}

/* A round after MS. */
static void pass(int64_t ms)
{
	now += ms;
	look_round(&look, &seen, &config, &watch, now);
}

/* The subject of the only condition that is watched, with its state. */
static void expect(enum watch_state state, const char *subject)
{
	char text[NOTICE_SUBJECT_MAX];
	ck_assert_uint_eq(watch.n, 1);
	watch_subject(&watch.at[0], text, sizeof(text));
	ck_assert_str_eq(text, subject);
	ck_assert_int_eq(watch.at[0].state, state);
}

static void expect_nothing(void)
{
	ck_assert_msg(!watch.n, "%s", watch.n ? watch.at[0].object : "");
}

START_TEST(a_healthy_service_is_no_news)
{
	pass(0);
	pass(10 * SECOND);
	expect_nothing();
}
END_TEST

START_TEST(a_next_hop_that_is_down)
{
	hop.state = "down";
	hop.reason = "connection refused";
	pass(0);
	expect(WATCH_BEGINS, "Next hop mx.test does not take mail (server a)");
	pass(10 * SECOND);
	expect(WATCH_HOLDS, "Next hop mx.test does not take mail (server a)");
	ck_assert_str_eq(watch.at[0].detail, "connection refused");
	ck_assert(!watch_carries_mail(&watch, "a"));
	hop.messages = 0; /* no mail waits for it any more */
	pass(SECOND);
	ck_assert_int_eq(watch.at[0].state, WATCH_ENDS);
	config.next_hop_down = CONFIG_NONE;
	pass(SECOND);
	expect_nothing();
}
END_TEST

START_TEST(what_was_not_answered_changes_nothing)
{
	hop.state = "down";
	pass(0);
	pass(10 * SECOND);
	server->hop_count = 0;
	server->queue.n = 0;
	seen.asked[0] = false;
	pass(SECOND);
	expect(WATCH_HOLDS, "Next hop mx.test does not take mail (server a)");
}
END_TEST

START_TEST(old_mail)
{
	hop.oldest_s = 59;
	pass(0);
	expect_nothing();
	hop.oldest_s = 60;
	hop.reason = "421 later";
	pass(0);
	expect(WATCH_HOLDS, "The oldest message for mx.test waits too long (server a)");
	ck_assert_str_eq(watch.at[0].detail, "1 messages wait, the oldest for 1m; 421 later");
	hop.counted = false; /* a queue that has just begun */
	pass(SECOND);
	ck_assert_int_eq(watch.at[0].state, WATCH_ENDS);
}
END_TEST

START_TEST(processes_that_do_not_answer)
{
	server->queue.n = 0;
	pass(0);
	expect(WATCH_BEGINS, "Process queue does not answer (server a)");
	pass(LOOK_SILENT_MS);
	expect(WATCH_HOLDS, "Process queue does not answer (server a)");
	server->processes[0].state = "stopped"; /* by an operator */
	pass(SECOND);
	ck_assert_int_eq(watch.at[0].state, WATCH_ENDS);
}
END_TEST

START_TEST(a_master_that_does_not_answer)
{
	seen.service = NULL;
	seen.why = "it hangs";
	pass(0);
	pass(LOOK_SILENT_MS);
	expect(WATCH_HOLDS, "Process mailrootd does not answer");
	ck_assert_str_eq(watch.at[0].detail, "it hangs");
	seen.service = &service;
	pass(SECOND);
	ck_assert_int_eq(watch.at[0].state, WATCH_ENDS);
}
END_TEST

START_TEST(processes_that_end_again_and_again)
{
	server->processes[0].restarts = 40; /* long ago */
	pass(0);
	expect_nothing();
	server->processes[0].last_end = "signal 11";
	server->processes[0].restarts = 43;
	pass(SECOND);
	expect(WATCH_HOLDS, "Process queue ends again and again (server a)");
	ck_assert_str_eq(watch.at[0].detail, "it ended last with: signal 11");
	setup();
	server->processes[1].state = "failed";
	server->processes[1].last_end = "status 78";
	pass(SECOND);
	expect(WATCH_HOLDS, "Process smtpd ends again and again (server a)");
	ck_assert_str_eq(watch.at[0].detail, "it is not started again: status 78");
}
END_TEST

START_TEST(badmail_is_news_while_it_is_new)
{
	server->queue =
		(struct service_facts){.at = {{"badmail_messages", "2"}, {"badmail_newest_s", "90000"}}, .n = 2};
	pass(0);
	expect_nothing();
	server->queue.at[1].value = "5";
	pass(SECOND);
	expect(WATCH_HOLDS, "New mail in badmail (server a)");
	ck_assert(watch_carries_mail(&watch, "a"));
	server->queue = (struct service_facts){.at = {{"messages", "0"}}, .n = 1}; /* not known yet */
	pass(SECOND);
	expect(WATCH_HOLDS, "New mail in badmail (server a)");
}
END_TEST

START_TEST(certificates_and_disks)
{
	struct service_certificate certificate = {"/c.pem", NOW_S + 86400};
	struct service_file_system disk = {"/srv", 11 << 20, 100 << 20, 0, 0};
	server->certificates = &certificate;
	server->certificate_count = 1;
	server->file_systems = &disk;
	server->file_system_count = 1;
	pass(0);
	expect_nothing();
	pass(1);
	expect(WATCH_HOLDS, "The certificate /c.pem expires soon (server a)");
	watch_told(&watch, &watch.at[0]);
	certificate.until_s += 86400;
	disk.free = 9 << 20;
	pass(1);
	ck_assert_uint_eq(watch.n, 2);
	ck_assert_int_eq(watch.at[0].state, WATCH_OVER);
	ck_assert_str_eq(watch.at[1].detail, "9 of 100 MiB are free, and 0 of 0 inodes");
	config.disk = CONFIG_NONE;
	config.certificate = CONFIG_NONE;
	pass(1);
	expect_nothing();
	config.disk = 10;
	disk = (struct service_file_system){"/srv", 90 << 20, 100 << 20, 1, 100};
	pass(1);
	expect(WATCH_HOLDS, "The disk of /srv is nearly full (server a)");
}
END_TEST

START_TEST(folders_of_the_whole_service)
{
	seen.places[0] = (struct service_file_system){"/var/log", 1, 100, 0, 0};
	seen.place_count = 1;
	pass(0);
	expect(WATCH_HOLDS, "The disk of /var/log is nearly full");
	ck_assert(watch_carries_mail(&watch, "a"));
}
END_TEST

START_TEST(problems_that_processes_report)
{
	server->attention[0] = (struct service_attention){"web", "the secret expires in 7 days"};
	server->attention[1] = (struct service_attention){"smtpd", "certificate /c.pem expires on 2027-01-01"};
	server->attention_count = 2;
	pass(0);
	pass(LOOK_PROBLEM_MS);
	expect(WATCH_HOLDS, "Problem of web (server a)"); /* the certificate has an alert of its own */
	ck_assert_str_eq(watch.at[0].detail, "the secret expires in 7 days");
	config.problems = false;
	pass(SECOND);
	expect_nothing();
	config.problems = true;
	server->attention_count = 0;
	server->trouble = "no folder";
	server->state = "trouble";
	pass(0);
	expect(WATCH_BEGINS, "Problem of the virtual server (server a)");
	server->state = "stopped";
	pass(0);
	expect_nothing();
}
END_TEST

START_TEST(a_server_that_is_gone_is_forgotten)
{
	hop.state = "down";
	pass(0);
	pass(10 * SECOND);
	ck_assert_uint_eq(watch.n, 1);
	service.server_count = 0;
	pass(SECOND);
	expect_nothing();
}
END_TEST

START_TEST(short_limits_make_it_look_more_often)
{
	config.quiet = 300 * SECOND;
	ck_assert_int_eq(rounds_pause(&config), 5 * SECOND);
	config.next_hop_down = CONFIG_NONE;
	ck_assert_int_eq(rounds_pause(&config), ROUNDS_EVERY_MS);
	config.quiet = SECOND;
	ck_assert_int_eq(rounds_pause(&config), ROUNDS_EVERY_MIN_MS);
}
END_TEST

static const struct {
	const char *text, *address;
	unsigned port;
} listeners[] = {
	{"127.0.0.1:25", "127.0.0.1", 25},
	{"*:2525", "127.0.0.1", 2525},
	{"[::]:25", "::1", 25},
	{"[2001:db8::1]:587", "2001:db8::1", 587},
	{"0.0.0.0:25", "127.0.0.1", 25},
	{"127.0.0.1", NULL, 0},
	{"127.0.0.1:0", NULL, 0},
	{"127.0.0.1:65536", NULL, 0},
	{"", NULL, 0},
	{"name:25", NULL, 0},
};

START_TEST(own_listeners_as_addresses)
{
	struct ipaddr ip;
	uint16_t port;
	char text[IPADDR_TEXT_MAX];
	bool good = courier_listener(span_of(listeners[_i].text), &ip, &port);
	ck_assert_int_eq(good, listeners[_i].address != NULL);
	if (!good)
		return;
	ipaddr_format(&ip, text);
	ck_assert_str_eq(text, listeners[_i].address);
	ck_assert_uint_eq(port, listeners[_i].port);
}
END_TEST

START_TEST(garbage_from_the_other_process_is_bounded)
{
	static struct courier_alert alert;
	static struct courier_answer answer;
	memset(&alert, 0xff, sizeof(alert));
	memset(&answer, 0xff, sizeof(answer));
	sender_bound_alert(&alert);
	sender_bound_answer(&answer);
	ck_assert_uint_eq(alert.listener_count, COURIER_LISTENERS_MAX);
	ck_assert_uint_eq(alert.body_len, NOTICE_BODY_MAX);
	ck_assert_uint_lt(strlen(alert.object), sizeof(alert.object));
	ck_assert_uint_lt(strlen(alert.subject), sizeof(alert.subject));
	for (const char *c = alert.subject; *c; c++)
		ck_assert_int_eq(*c, '?');
	ck_assert_uint_eq(answer.n, COURIER_MAX);
	ck_assert_uint_lt(strlen(answer.at[COURIER_MAX - 1].said), COURIER_SAID_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alerts_look");
	TCase *tc = tcase_create("all");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_healthy_service_is_no_news);
	tcase_add_test(tc, a_next_hop_that_is_down);
	tcase_add_test(tc, what_was_not_answered_changes_nothing);
	tcase_add_test(tc, old_mail);
	tcase_add_test(tc, processes_that_do_not_answer);
	tcase_add_test(tc, a_master_that_does_not_answer);
	tcase_add_test(tc, processes_that_end_again_and_again);
	tcase_add_test(tc, badmail_is_news_while_it_is_new);
	tcase_add_test(tc, certificates_and_disks);
	tcase_add_test(tc, folders_of_the_whole_service);
	tcase_add_test(tc, problems_that_processes_report);
	tcase_add_test(tc, a_server_that_is_gone_is_forgotten);
	tcase_add_test(tc, short_limits_make_it_look_more_often);
	tcase_add_loop_test(tc, own_listeners_as_addresses, 0, sizeof(listeners) / sizeof(listeners[0]));
	tcase_add_test(tc, garbage_from_the_other_process_is_bounded);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
