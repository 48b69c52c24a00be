#include "smtpd/filters/down.h"

#include <check.h>

#include "t/unit/suite.h"

START_TEST(pauses_grow_to_a_minute)
{
	static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct down d = {0};
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		down_fail(&d, i > 0, 2, "so it is", 5000, 700 + (int64_t)i);
		ck_assert_int_eq(d.next_ms, 5000 + pauses[i]);
		ck_assert_int_eq(d.since_ms, 700);
	}
}
END_TEST

START_TEST(a_question_changes_nothing_about_a_filter_that_is_down)
{
	struct down d = {0};
	down_fail(&d, false, 2, "first", 1000, 1);
	down_fail(&d, false, 3, "second", 1500, 2);
	ck_assert_int_eq(d.err, 2);
	ck_assert_str_eq(d.why, "first");
	ck_assert_int_eq(d.next_ms, 2000);
	down_fail(&d, true, 3, "third", 2000, 3);
	ck_assert_int_eq(d.err, 3);
	ck_assert_str_eq(d.why, "third");
	ck_assert_int_eq(d.since_ms, 1);
}
END_TEST

START_TEST(after_its_end_it_begins_anew)
{
	struct down d = {0};
	ck_assert(!down_end(&d));
	for (int i = 0; i < 9; i++)
		down_fail(&d, true, 2, "so it is", 0, 1);
	ck_assert(down_end(&d));
	ck_assert_int_eq(d.err, 0);
	down_fail(&d, true, 2, "so it is", 0, 9);
	ck_assert_int_eq(d.next_ms, DOWN_PAUSE_MS);
	ck_assert_int_eq(d.since_ms, 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filters down");
	TCase *all = tcase_create("all");
	tcase_add_test(all, pauses_grow_to_a_minute);
	tcase_add_test(all, a_question_changes_nothing_about_a_filter_that_is_down);
	tcase_add_test(all, after_its_end_it_begins_anew);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
