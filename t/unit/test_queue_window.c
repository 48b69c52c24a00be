#include "queue/rules/window.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>

enum { CAP = 20 };

static struct window w;

static void open_window(void)
{
	window_init(&w);
}

static void succeed(size_t n)
{
	while (n--)
		window_success(&w, CAP);
}

START_TEST(a_round_of_successes_is_one_more)
{
	ck_assert_uint_eq(w.size, WINDOW_FIRST);
	for (size_t size = WINDOW_FIRST; size < CAP; size++) {
		succeed(size - 1);
		ck_assert_uint_eq(w.size, size);
		succeed(1);
		ck_assert_uint_eq(w.size, size + 1);
	}
	succeed(10 * CAP);
	ck_assert_uint_eq(w.size, CAP);
}
END_TEST

START_TEST(unproven_is_down_by_the_first_refusal)
{
	ck_assert(window_refusal(&w));
	open_window();
	succeed(1);
	ck_assert(!window_refusal(&w));
}
END_TEST

/* 1/n + 1/(n-1) ... reaches 1 after refusals of about 63 % of the window. */
START_TEST(a_window_of_refusals_in_a_row_is_down)
{
	succeed(1000);
	size_t refused = 1;
	while (!window_refusal(&w)) {
		ck_assert_uint_eq(w.size, CAP - refused);
		refused++;
	}
	ck_assert_uint_ge(refused, CAP / 2);
	ck_assert_uint_le(refused, CAP * 2 / 3);
}
END_TEST

START_TEST(a_success_in_between_resets_the_count)
{
	succeed(1000);
	for (int i = 0; i < 1000; i++) {
		ck_assert(!window_refusal(&w));
		succeed(1);
		ck_assert_uint_ge(w.size, 1);
	}
}
END_TEST

START_TEST(down_begins_with_half_and_unproven)
{
	succeed(1000);
	window_down(&w);
	ck_assert_uint_eq(w.size, CAP / 2);
	ck_assert(window_refusal(&w));
	for (int i = 0; i < 100; i++)
		window_down(&w);
	ck_assert_uint_eq(w.size, 1);
}
END_TEST

/* A host that accepts 10 connections and refuses more: the window stays near ten, and the host is never down. */
START_TEST(settles_at_the_limit_of_the_host)
{
	size_t least = CAP, most = 0;
	succeed(1000);
	for (int i = 0; i < 10000; i++) {
		if (w.size > 10)
			ck_assert(!window_refusal(&w));
		else
			succeed(1);
		if (i > 100) {
			least = w.size < least ? w.size : least;
			most = w.size > most ? w.size : most;
		}
	}
	ck_assert_uint_eq(least, 10);
	ck_assert_uint_eq(most, 11);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_round_of_successes_is_one_more,      unproven_is_down_by_the_first_refusal,
		a_window_of_refusals_in_a_row_is_down, a_success_in_between_resets_the_count,
		down_begins_with_half_and_unproven,    settles_at_the_limit_of_the_host,
	};
	Suite *suite = suite_create("queue_window");
	TCase *tcase = tcase_create("window");
	tcase_add_checked_fixture(tcase, open_window, NULL);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
