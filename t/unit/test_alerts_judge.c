#include <string.h>

#include "ctl/alerts/judge.h"
#include "t/unit/suite.h"

START_TEST(the_age_of_the_oldest_message)
{
	ck_assert_int_eq(judge_age(0, 3600000), WATCH_GOOD);
	ck_assert_int_eq(judge_age(3239999, 3600000), WATCH_GOOD);
	ck_assert_int_eq(judge_age(3240000, 3600000), WATCH_BETWEEN);
	ck_assert_int_eq(judge_age(3599999, 3600000), WATCH_BETWEEN);
	ck_assert_int_eq(judge_age(3600000, 3600000), WATCH_BAD);
	ck_assert_int_eq(judge_age(INT64_MAX, 3600000), WATCH_BAD);
}
END_TEST

START_TEST(room_on_a_disk)
{
	ck_assert_int_eq(judge_room(99, 1000, 10), WATCH_BAD);
	ck_assert_int_eq(judge_room(100, 1000, 10), WATCH_BETWEEN);
	ck_assert_int_eq(judge_room(109, 1000, 10), WATCH_BETWEEN);
	ck_assert_int_eq(judge_room(110, 1000, 10), WATCH_GOOD);
	ck_assert_int_eq(judge_room(15, 1000, 1), WATCH_BETWEEN);
	ck_assert_int_eq(judge_room(20, 1000, 1), WATCH_GOOD);
	ck_assert_int_eq(judge_room(549, 1000, 50), WATCH_BETWEEN);
	ck_assert_int_eq(judge_room(550, 1000, 50), WATCH_GOOD);
	ck_assert_int_eq(judge_room(1000, 1000, 99), WATCH_GOOD); /* 108 percent are never free */
	ck_assert_int_eq(judge_room(0, 1000, 1), WATCH_BAD);
	ck_assert_int_eq(judge_room(0, 0, 10), WATCH_GOOD);
	ck_assert_int_eq(judge_room(UINT64_MAX / 20, UINT64_MAX, 10), WATCH_BAD);
	ck_assert_int_eq(judge_room(UINT64_MAX / 2, UINT64_MAX, 10), WATCH_GOOD);
}
END_TEST

START_TEST(what_expires)
{
	ck_assert_int_eq(judge_expiry(1000, 1000), WATCH_GOOD);
	ck_assert_int_eq(judge_expiry(999, 1000), WATCH_BAD);
	ck_assert_int_eq(judge_expiry(INT64_MIN, 1000), WATCH_BAD);
}
END_TEST

START_TEST(three_ends_in_ten_minutes)
{
	struct judge_process p = {0};
	int64_t now = 1000000000000;
	ck_assert_int_eq(judge_restarts(&p, 70, now), WATCH_GOOD);
	ck_assert_int_eq(judge_restarts(&p, 71, now), WATCH_BETWEEN);
	ck_assert_int_eq(judge_restarts(&p, 72, now + JUDGE_ENDS_MS / 2), WATCH_BETWEEN);
	ck_assert_int_eq(judge_restarts(&p, 73, now + JUDGE_ENDS_MS - 1), WATCH_BAD);
	ck_assert_int_eq(judge_restarts(&p, 73, now + JUDGE_ENDS_MS), WATCH_BETWEEN);
	ck_assert_int_eq(judge_restarts(&p, 73, now + 2 * JUDGE_ENDS_MS - 2), WATCH_BETWEEN);
	ck_assert_int_eq(judge_restarts(&p, 73, now + 2 * JUDGE_ENDS_MS - 1), WATCH_GOOD);
}
END_TEST

START_TEST(rare_ends_are_no_alert)
{
	struct judge_process p = {0};
	int64_t now = 1000000000000;
	for (uint64_t restarts = 0; restarts < 100; restarts++, now += JUDGE_ENDS_MS / 2)
		ck_assert_int_ne(judge_restarts(&p, restarts, now), WATCH_BAD);
}
END_TEST

START_TEST(many_ends_between_two_looks)
{
	struct judge_process p = {0};
	ck_assert_int_eq(judge_restarts(&p, 0, 1000), WATCH_GOOD);
	ck_assert_int_eq(judge_restarts(&p, UINT64_MAX, 2000), WATCH_BAD);
}
END_TEST

START_TEST(another_master_counts_anew)
{
	struct judge_process p = {0};
	ck_assert_int_eq(judge_restarts(&p, 50, 1000), WATCH_GOOD);
	ck_assert_int_eq(judge_restarts(&p, 0, 2000), WATCH_GOOD);
	ck_assert_int_eq(judge_restarts(&p, 3, 3000), WATCH_BAD);
}
END_TEST

START_TEST(a_clock_that_is_set_back)
{
	struct judge_process p = {0};
	int64_t later = 1000000000000, now = later - 1000 * (int64_t)JUDGE_ENDS_MS;
	judge_restarts(&p, 0, later);
	ck_assert_int_eq(judge_restarts(&p, 3, later), WATCH_BAD);
	ck_assert_int_eq(judge_restarts(&p, 3, now), WATCH_BAD);
	ck_assert_int_eq(judge_restarts(&p, 3, now + JUDGE_ENDS_MS), WATCH_GOOD);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_age_of_the_oldest_message, room_on_a_disk,           what_expires,
		three_ends_in_ten_minutes,     rare_ends_are_no_alert,   many_ends_between_two_looks,
		another_master_counts_anew,    a_clock_that_is_set_back,
	};
	return run_tests("alerts_judge", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
