/* Several hosts for one message: which failure leads the client to the next host, and which is final. */
#include <check.h>
#include <signal.h>
#include <stdio.h>

#include "t/unit/client_fixture.h"

/* Failures of the first host after which the second one gets the message. */
static const char *const passing[] = {
	"A\nX\n",
	"A\nR\n",
	"A\nS 421 4.3.2 busy\nX\n",
	"A\nS 554 no mail here\nC QUIT\nX\n",
	"A\nS 220 hi\nC EHLO\nS 451 not now\nC QUIT\nX\n",
	"A\nS 220 hi\nC EHLO\nS 500 what\nC HELO relay.example.com\nS 550 no\nC QUIT\nX\n",
	"A\nS 220 hi\nC EHLO\nS 553-a\nX\n",
	"A\nS SSH-2.0-OpenSSH\nX\n",
	"A\nP 220 \nX\n",
	HELLO "C MAIL\nS 421 going down\nX\n",
	HELLO "C MAIL\nR\n",
	HELLO ENVELOPE "S 421 going down\nX\n",
	HELLO ENVELOPE "X\n",
};
enum { PASSING = sizeof(passing) / sizeof(passing[0]), ABOUT_THE_MESSAGE = PASSING - 4 };

START_TEST(passes_to_the_next_host)
{
	struct fixture f;
	struct server s, t;
	set_up(&f, 1);
	server_start(&s, passing[_i]);
	server_start(&t, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "dead", dead_port());
	add_host(&f, "first", s.port);
	add_host(&f, "second", t.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	server_end(&s);
	server_end(&t);
	tear_down(&f);
}
END_TEST

/* If the hosts of the domain fail before MAIL, a written host gets the message. After MAIL no other host gets it. */
START_TEST(written_hosts_only_when_no_other_answers)
{
	struct fixture f;
	struct server s, t;
	bool heard = _i >= ABOUT_THE_MESSAGE;
	char failed[64];
	uint16_t dead = dead_port();
	set_up(&f, 1);
	server_start(&s, passing[_i]);
	add_host(&f, "dead", dead);
	add_host(&f, "first", s.port);
	f.job.found = 2;
	if (!heard)
		server_start(&t, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "written", heard ? dead_port() : t.port);
	deliver(&f);
	ck_assert_uint_eq(f.client.report.transactions, 1);
	if (heard) {
		snprintf(failed, sizeof(failed), "127.0.0.1 %u\n", dead);
		ck_assert_str_eq(f.client.report.failed, failed);
		ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_DELAYED);
	} else {
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		client_quit(&f.client);
		server_end(&t);
	}
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* After a final refusal the second host is not tried. */
static const struct {
	const char *script;
	enum journal_event event;
	int code;
	const char *text;
} standing[] = {
	{HELLO "C MAIL\nS 550 5.7.1 not you\nS 503 no\nS 503 no\n", JOURNAL_FAILED, 550, "not you"},
	{HELLO "C MAIL\nS 451 4.3.0 later\nS 503 no\nS 503 no\n", JOURNAL_DELAYED, 451, "later"},
	{HELLO "C MAIL\nC RCPT\nC DATA\nS 250 ok\nS 550 5.1.1 nobody\nS 354 go\nC .\nS 250 ok\n", JOURNAL_FAILED, 550,
	 "nobody"},
	{HELLO ENVELOPE "S 554 5.7.1 no\nC RSET\nS 250 ok\n", JOURNAL_FAILED, 554, "no"},
	{HELLO ENVELOPE "S 354 go\nB\nS 552 5.3.4 large\n", JOURNAL_FAILED, 552, "large"},
	{HELLO ENVELOPE "S 354 go\nB\nS 421 4.3.2 going down\nX\n", JOURNAL_DELAYED, 421, "going down"},
	{HELLO ENVELOPE "S 354 go\nB\nX\n", JOURNAL_DELAYED, 0, "lost"},
	{HELLO ENVELOPE "S 354 go\nB\nR\n", JOURNAL_DELAYED, 0, "lost"},
	{HELLO ENVELOPE "S 354 go\nB\nS 2500 ok\n", JOURNAL_DELAYED, 0, "the host said: 2500 ok"},
};

START_TEST(takes_a_refusal)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, standing[_i].script);
	add_host(&f, "first", s.port);
	add_host(&f, "second", dead_port());
	deliver(&f);
	expect(&f, 0, standing[_i].event, standing[_i].code, standing[_i].text);
	client_close(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

START_TEST(no_host_answers)
{
	struct fixture f;
	struct server s;
	set_up(&f, 2);
	server_start(&s, "A\nS 554 5.3.2 no\nC QUIT\nX\n");
	add_host(&f, "dead", dead_port());
	add_host(&f, "first", s.port);
	deliver(&f);
	/* The first host may come back, so the refusal of the second is not final. */
	expect(&f, 0, JOURNAL_DELAYED, 554, "no");
	expect(&f, 1, JOURNAL_DELAYED, 554, "no");
	ck_assert_int_eq(f.client.fd, -1);
	server_end(&s);

	str_clear(&f.hosts);
	add_host(&f, "dead", dead_port());
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "Connection refused");
	f.job.hosts = (struct span){0};
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "no host");
	tear_down(&f);
}
END_TEST

START_TEST(all_hosts_refuse_us)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, "A\nS 554 5.3.2 no mail here\nC QUIT\nX\n");
	add_host(&f, "first", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 554, "no mail here");
	server_end(&s);
	tear_down(&f);
}
END_TEST

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	Suite *suite = suite_create("delivery_client_hosts");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, passes_to_the_next_host, 0, PASSING);
	tcase_add_loop_test(all, written_hosts_only_when_no_other_answers, 0, PASSING);
	tcase_add_loop_test(all, takes_a_refusal, 0, sizeof(standing) / sizeof(standing[0]));
	tcase_add_test(all, no_host_answers);
	tcase_add_test(all, all_hosts_refuse_us);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
