/* What the client sends of a message file, up to the final dot. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/unit/client_fixture.h"

/* Lines longer than a host must accept are folded, also at the end of a block of the file; or they are sent
 * unchanged. */
START_TEST(long_lines)
{
	enum { LONG = 70000 };
	struct fixture f;
	struct server s;
	struct str body, folded;
	str_init(&body, BODY_MAX);
	str_init(&folded, BODY_MAX);
	for (size_t i = 0; i < LONG; i++) {
		if (i && (i == 998 || (i > 998 && (i - 998) % 997 == 0)))
			str_append_text(&folded, "\r\n ");
		str_append_c(&body, '.');
		str_append_text(&folded, i ? "." : "..");
	}
	str_append_text(&body, "\r\n");
	str_append_text(&folded, "\r\n.\r\n");
	for (int fold = 0; fold < 2; fold++) {
		set_up(&f, 1);
		f.job.fold_lines = fold;
		set_message(&f, str_span(&body));
		server_start(&s, HELLO ACCEPT "X\n");
		add_host(&f, "mx", s.port);
		deliver(&f);
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		pthread_join(s.thread, NULL);
		ck_assert_uint_eq(s.body.len, fold ? folded.len : LONG + 6);
		ck_assert(!fold || span_equal(str_span(&s.body), str_span(&folded)));
		s.thread = pthread_self();
		close(s.listener);
		str_free(&s.body);
		tear_down(&f);
	}
	str_free(&body);
	str_free(&folded);
}
END_TEST

/* A large message arrives octet by octet; the host counts what it gets. */
START_TEST(large_message)
{
	enum { LINES = 200000 };
	struct fixture f;
	struct server s;
	struct str body, wire;
	str_init(&body, BODY_MAX);
	str_init(&wire, BODY_MAX);
	for (unsigned i = 0; i < LINES; i++) {
		const char *dot = i % 3 ? "" : ".";
		str_printf(&body,
			   "%s%u line \xe9 with octets, then more octets, and more of them, to the end of it\r\n", dot,
			   i);
		str_printf(&wire,
			   "%s%s%u line \xe9 with octets, then more octets, and more of them, to the end of it\r\n",
			   dot, dot, i);
	}
	str_append_text(&wire, ".\r\n");
	set_up(&f, 1);
	set_message(&f, str_span(&body));
	/* A part of it was already read together with the envelope. */
	char head[4096];
	ck_assert_int_eq(pread(f.job.message, head, sizeof(head), 0), sizeof(head));
	if (_i)
		f.job.head = (struct span){head, sizeof(head)};
	server_start(&s, HELLO ACCEPT "C QUIT\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert(span_equal(str_span(&s.body), str_span(&wire)));
	close(s.listener);
	str_free(&s.body);
	str_free(&body);
	str_free(&wire);
	tear_down(&f);
}
END_TEST

/* The host refuses in the middle of a message and does not read the rest. */
START_TEST(early_refusal)
{
	static const char *const scripts[] = {
		HELLO ENVELOPE "S 354 go\nC Subject\nS 552-5.3.4 too\nS 552 5.3.4 large\nW\nX\n",
		HELLO ENVELOPE "P 354 go|552 5.3.4 too large|\nW\nX\n",
	};
	struct fixture f;
	struct server s;
	struct str body;
	char filler[1000];
	memset(filler, 'x', sizeof(filler));
	str_init(&body, BODY_MAX);
	str_append_text(&body, "Subject: x\r\n\r\n");
	for (int i = 0; i < 20000; i++) {
		str_append(&body, (struct span){filler, sizeof(filler)});
		str_append_text(&body, "\r\n");
	}
	set_up(&f, 1);
	set_message(&f, str_span(&body));
	server_start(&s, scripts[_i]);
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_FAILED, 552, "too large");
	shutdown(s.listener, SHUT_RDWR);
	pthread_join(s.thread, NULL);
	close(s.listener);
	str_free(&s.body);
	str_free(&body);
	tear_down(&f);
}
END_TEST

START_TEST(empty_body)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	set_message(&f, SPAN(""));
	server_start(&s, HELLO ACCEPT "C QUIT\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert_str_eq(str_text(&s.body), ".\r\n");
	close(s.listener);
	str_free(&s.body);
	tear_down(&f);
}
END_TEST

/* A message file that is shorter than its name says is never sent as complete. */
START_TEST(short_file)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	f.job.size += 1;
	server_start(&s, HELLO ENVELOPE "S 354 go\nC Subject: x\nC \nC ..dot\nN\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 451, "shorter");
	server_end(&s);
	tear_down(&f);
}
END_TEST

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	Suite *suite = suite_create("delivery_client_message");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, long_lines);
	tcase_add_loop_test(all, large_message, 0, 2);
	tcase_add_loop_test(all, early_refusal, 0, 2);
	tcase_add_test(all, empty_body);
	tcase_add_test(all, short_file);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
