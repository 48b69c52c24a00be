/* The client and one host: connections, what they are used for, and how long the client waits. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/client_fixture.h"

/* Of this thread: the send that begins with these octets fails. */
static _Thread_local struct {
	const char *begins;
	int err;
} failing;

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	if (failing.begins && size >= strlen(failing.begins) && !memcmp(from, failing.begins, strlen(failing.begins))) {
		errno = failing.err;
		return -1;
	}
	return syscall(SYS_sendto, fd, from, size, flags, NULL, 0);
}

START_TEST(delivers_and_keeps)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "mx.example.net", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	char host[100];
	snprintf(host, sizeof(host), "mx.example.net[127.0.0.1]:%u", s.port);
	ck_assert(span_equal(f.outcomes.rcpts[0].outcome->host, span_of(host)));
	ck_assert_int_ge(f.client.fd, 0);
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert_str_eq(str_text(&s.body), "Subject: x\r\n\r\n..dot\r\n.\r\n");
	s.thread = pthread_self();
	ck_assert_msg(!s.wrong[0], "%s", s.wrong);
	close(s.listener);
	str_free(&s.body);
	tear_down(&f);
}
END_TEST

/* Two messages on one connection, a third on a new one: max_messages. */
START_TEST(uses_a_connection_again)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	f.job.max_messages = 2;
	server_start(&s, HELLO ACCEPT ACCEPT "C QUIT\nX\n" HELLO ACCEPT "C QUIT\nX\n");
	add_host(&f, "mx", s.port);
	for (int i = 0; i < 3; i++) {
		deliver(&f);
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		ck_assert_int_eq(f.client.fd >= 0, i != 1);
	}
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* Before a connection to another destination the client sends QUIT. */
START_TEST(leaves_for_another_destination)
{
	struct fixture f;
	struct server s, t;
	set_up(&f, 1);
	server_start(&s, HELLO ACCEPT "C QUIT\nN\n");
	server_start(&t, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	str_clear(&f.hosts);
	add_host(&f, "other", t.port);
	f.job.destination = SPAN("elsewhere");
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	server_end(&s);
	client_quit(&f.client);
	server_end(&t);
	tear_down(&f);
}
END_TEST

/* Our names in a job apply to its connection; a job with other names gets another connection. */
START_TEST(name_and_source_of_the_job)
{
	static const char script[] = "A\nS 220 hi\nC EHLO out.example.com\nS 250-mx\nS 250 PIPELINING\n" ACCEPT ACCEPT
				     "C QUIT\nX\n" HELLO ACCEPT "C QUIT\nX\n" HELLO ACCEPT "C QUIT\nN\n";
	static const struct {
		const char *helo, *source;
		in_addr_t from;
		unsigned accepted;
	} jobs[] = {
		{"out.example.com", "2001:db8::1 127.0.0.7", 0x7f000007, 1},
		{"out.example.com", "2001:db8::1 127.0.0.7", 0x7f000007, 1},
		{"", "127.0.0.8", 0x7f000008, 2},
		{"", "2001:db8::1", 0x7f000001, 3}, /* only an address of the other family: the system chooses */
	};
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, script);
	add_host(&f, "mx", s.port);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		f.job.helo = span_of(jobs[i].helo);
		f.job.source = span_of(jobs[i].source);
		deliver(&f);
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		ck_assert_uint_eq(ntohl(s.from.sin_addr.s_addr), jobs[i].from);
		ck_assert_uint_eq(s.accepted, jobs[i].accepted);
	}
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* The reason names a source address that this machine does not have. */
START_TEST(source_that_is_not_ours)
{
	struct fixture f;
	set_up(&f, 1);
	add_host(&f, "mx", dead_port());
	f.job.source = SPAN("192.0.2.200");
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0,
	       "could not connect from source_address 192.0.2.200: Cannot assign requested address");
	tear_down(&f);
}
END_TEST

/* If sending fails the client does not wait for a reply: it tries the next host at once. */
START_TEST(sends_that_fail)
{
	static const char *const begins[] = {"EHLO", "MAIL", "Subject"};
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct fixture f;
		struct server s;
		struct timespec from, to;
		set_up(&f, 1);
		server_start(&s, i == 0 ? "A\nS 220 hi\nN\n" : i == 1 ? HELLO "N\n" : HELLO ENVELOPE "S 354 go\nN\n");
		add_host(&f, "mx", s.port);
		failing.begins = begins[i];
		failing.err = ENOBUFS;
		clock_gettime(CLOCK_MONOTONIC, &from);
		deliver(&f);
		clock_gettime(CLOCK_MONOTONIC, &to);
		failing.begins = NULL;
		expect(&f, 0, JOURNAL_DELAYED, 0, "could not send: No buffer space available");
		ck_assert_int_lt(to.tv_sec - from.tv_sec, 5);
		server_end(&s);
		tear_down(&f);
	}
}
END_TEST

/* A host that sends an empty line after each reply gets its mail, over one connection. */
START_TEST(empty_lines)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, "A\nS 220 hi|\nC EHLO\nS 250-mx||\nS 250 PIPELINING|\nC MAIL\nC RCPT\nC DATA\nS 250 ok|\n"
			 "S 250 ok|\nS 354 go|\nB\nS 250 2.0.0 taken|\nC MAIL\nC RCPT\nC DATA\nS 250 ok|\n"
			 "S 250 ok|\nS 354 go|\nB\nS 250 2.0.0 again|\nC QUIT\nX\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "again");
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* The reason quotes text of the host even without a line end. */
START_TEST(words_without_a_line_end)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, "A\nP SSH-2.0-OpenSSH_9.2\nX\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0,
	       "connection lost while waiting for the greeting; the host said: SSH-2.0-OpenSSH_9.2");
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* The host closed the kept connection, before or while it is used again: the same job makes a new one. */
START_TEST(replaces_a_dead_connection)
{
	static const char *const scripts[] = {
		HELLO ACCEPT "X\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "R\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "S 421 4.4.2 idle for too long\nX\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "C MAIL\nX\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "C MAIL\nS 421 4.4.2 too late\nX\n" HELLO ACCEPT "C QUIT\n",
	};
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, scripts[_i]);
	add_host(&f, "mx", s.port);
	deliver(&f);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert_uint_eq(s.accepted, 2);
	ck_assert_msg(!s.wrong[0], "%s", s.wrong);
	close(s.listener);
	str_free(&s.body);
	tear_down(&f);
}
END_TEST

/* No reply, single octets, or endless lines: each has a time limit. */
START_TEST(bounds)
{
	static const char *const scripts[] = {"A\nN\n", "A\nP 2\nP 2\nN\n", "A\nS 220 hi\nC EHLO\nN\n",
					      HELLO "C MAIL\nC RCPT\nC DATA\nS 250 ok\nN\n"};
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	f.job.timeout_ms = 200;
	server_start(&s, scripts[_i]);
	add_host(&f, "slow", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "time-out while waiting for");
	ck_assert_int_eq(f.client.fd, -1);
	server_end(&s);
	tear_down(&f);
}
END_TEST

START_TEST(endless_replies)
{
	struct fixture f;
	struct server s;
	struct str script;
	str_init(&script, 1 << 20);
	str_append_text(&script, "A\nS 220 hi\nC EHLO\n");
	for (int i = 0; i < 1000; i++)
		str_append_text(&script, _i ? "P 250-xxxxxxxxxxxx\n" : "S 250-SIZE 17\n");
	str_append_text(&script, "S \n");
	set_up(&f, 1);
	server_start(&s, script.at);
	add_host(&f, "endless", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "the host sent an invalid reply while we waited for the reply to EHLO");
	server_end(&s);
	str_free(&script);
	tear_down(&f);
}
END_TEST

/* After 452 for the second of two recipients, it gets a second transaction on the same connection. */
START_TEST(one_recipient_at_a_time)
{
	struct fixture f;
	struct server s;
	set_up(&f, 2);
	server_start(&s, HELLO "C MAIL\nC RCPT\nC RCPT\nC DATA\nS 250 ok\nS 250 ok\nS 452 4.5.3 too many\nS 354 go\nB\n"
			       "S 250 first\n"
			       "C MAIL\nC RCPT\nC DATA\nS 250 ok\nS 250 ok\nS 354 go\nC Subject\nC \nC ..dot\nC .\n"
			       "S 250 second\nC QUIT\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "first");
	expect(&f, 1, JOURNAL_DELIVERED, 250, "second");
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	Suite *suite = suite_create("delivery_client");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, delivers_and_keeps);
	tcase_add_test(all, uses_a_connection_again);
	tcase_add_test(all, leaves_for_another_destination);
	tcase_add_test(all, name_and_source_of_the_job);
	tcase_add_test(all, source_that_is_not_ours);
	tcase_add_test(all, sends_that_fail);
	tcase_add_test(all, empty_lines);
	tcase_add_test(all, words_without_a_line_end);
	tcase_add_loop_test(all, replaces_a_dead_connection, 0, 5);
	tcase_add_loop_test(all, bounds, 0, 4);
	tcase_add_loop_test(all, endless_replies, 0, 2);
	tcase_add_test(all, one_recipient_at_a_time);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
