/* Retry intervals, expiry, and clocks that jump. */
#include "queue/rules/schedule.h"

#include <check.h>
#include <stdlib.h>

#include "common/mail/msgid.h"
#include "t/unit/suite.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static int64_t steps[] = {15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 240 * MINUTE};
static const struct config_durations ladder = {steps, 4}, empty = {NULL, 0};

START_TEST(delays_follow_the_retry_intervals)
{
	static const int64_t expected[] = {15, 15, 30, 60, 240, 240, 240};
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_int_eq(schedule_delay(&ladder, i), expected[i] * MINUTE);
	ck_assert_int_eq(schedule_delay(&ladder, 4000000000u), 240 * MINUTE);
	ck_assert_int_eq(schedule_delay(&empty, 1), 15 * MINUTE);
}
END_TEST

START_TEST(last_attempt_is_when_the_time_is_over)
{
	ck_assert_int_eq(schedule_delay_until(&ladder, 5, 47 * HOUR, DAY, 2 * DAY), HOUR);
	ck_assert_int_eq(schedule_delay_until(&ladder, 5, 40 * HOUR, DAY, 2 * DAY), 4 * HOUR);
	ck_assert_int_eq(schedule_delay_until(&ladder, 5, 2 * DAY, DAY, 2 * DAY), 4 * HOUR);
	ck_assert_int_eq(schedule_delay_until(&ladder, 1, 0, MINUTE, MINUTE), MINUTE);
}
END_TEST

START_TEST(an_attempt_is_made_when_the_sender_is_to_be_told)
{
	ck_assert_int_eq(schedule_delay_until(&ladder, 6, 585 * MINUTE, 12 * HOUR, 2 * DAY), 135 * MINUTE);
	ck_assert_int_eq(schedule_delay_until(&ladder, 6, 12 * HOUR, 12 * HOUR, 2 * DAY), 4 * HOUR);
	ck_assert_int_eq(schedule_delay_until(&ladder, 6, 12 * HOUR - 1, 12 * HOUR, 2 * DAY), 1);
	ck_assert_int_eq(schedule_delay_until(&ladder, 6, 585 * MINUTE, 3 * DAY, 11 * HOUR), 75 * MINUTE);
	ck_assert_int_eq(schedule_delay_until(&ladder, 6, 0, 3 * HOUR, 2 * HOUR), 2 * HOUR);
}
END_TEST

START_TEST(written_times_are_bounded)
{
	const int64_t now = 1795258800000;
	ck_assert_int_eq(schedule_remaining(&ladder, now + MINUTE, now), MINUTE);
	ck_assert_int_eq(schedule_remaining(&ladder, now, now), 0);
	ck_assert_int_eq(schedule_remaining(&ladder, now - 1000 * (int64_t)DAY, now), 0);
	ck_assert_int_eq(schedule_remaining(&ladder, now + 1000 * (int64_t)DAY, now), 240 * MINUTE);
	ck_assert_int_eq(schedule_remaining(&empty, now + 1000 * (int64_t)DAY, now), 15 * MINUTE);
}
END_TEST

START_TEST(expiry_needs_age_and_attempts)
{
	/* 0, 15, 45, 105, 345, ... minutes: 15 attempts in two days; at least half of them must have been made. */
	ck_assert(schedule_over(&ladder, 2 * DAY, 2 * DAY, 16));
	ck_assert(schedule_over(&ladder, 2 * DAY, 2 * DAY, 8));
	ck_assert(!schedule_over(&ladder, 2 * DAY, 2 * DAY, 7));
	ck_assert(!schedule_over(&ladder, 2 * DAY, 2 * DAY - 1, 1000));
	ck_assert(!schedule_over(&ladder, 2 * DAY, 3650 * (int64_t)DAY, 1));
	ck_assert(schedule_over(&ladder, 1000, 1000, 1));
}
END_TEST

/* With any retry intervals, a message that is tried at each time expires at the end of `expire`, not before and not
 * later. */
START_TEST(every_list_of_intervals_ends)
{
	int64_t own[] = {1000, 7 * MINUTE, 3 * HOUR, 9 * HOUR};
	for (size_t n = 1; n <= 4; n++) {
		const struct config_durations some = {own, n};
		const int64_t expire = 5000 + (int64_t)_i * 37 * MINUTE;
		int64_t at = 0;
		unsigned attempts = 1;
		while (at <= expire && !schedule_over(&some, expire, at, attempts)) {
			at += schedule_delay_until(&some, attempts, at, expire / 3, expire);
			attempts++;
		}
		ck_assert_int_eq(at, expire);
	}
}
END_TEST

START_TEST(age_is_never_negative)
{
	char id[MSGID_LEN + 1];
	const unsigned char random[MSGID_RANDOM] = {0};
	msgid_make(1795258800000, random, id);
	ck_assert_int_eq(schedule_age(id, 1795258800000), 0);
	ck_assert_int_eq(schedule_age(id, 1795258800000 + HOUR), HOUR);
	ck_assert_int_eq(schedule_age(id, 1795258800000 - DAY), 0);
	ck_assert_int_eq(schedule_age(id, 0), 0);
}
END_TEST

START_TEST(next_hop_is_left_alone_no_longer_than_a_message_waits)
{
	int64_t quick[] = {2000};
	const struct config_durations short_ladder = {quick, 1};
	ck_assert_int_eq(schedule_down_max(&ladder), 5 * MINUTE);
	ck_assert_int_eq(schedule_down_max(&short_ladder), 2000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_schedule");
	TCase *all = tcase_create("schedule");
	tcase_add_test(all, delays_follow_the_retry_intervals);
	tcase_add_test(all, last_attempt_is_when_the_time_is_over);
	tcase_add_test(all, an_attempt_is_made_when_the_sender_is_to_be_told);
	tcase_add_test(all, written_times_are_bounded);
	tcase_add_test(all, expiry_needs_age_and_attempts);
	tcase_add_loop_test(all, every_list_of_intervals_ends, 0, 60);
	tcase_add_test(all, age_is_never_negative);
	tcase_add_test(all, next_hop_is_left_alone_no_longer_than_a_message_waits);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
