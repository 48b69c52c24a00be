/* Counters that leak, at each boundary, with a clock that stands still. */
#include "smtpd/policy/rate.h"

#include <check.h>

#include "t/unit/suite.h"

static const int64_t start = 1000000;

static uint64_t add_times(uint64_t word, const struct config_rate *limit, int64_t times, int64_t mono_ms)
{
	for (int64_t i = 0; i < times; i++) {
		ck_assert_int_eq(rate_wait_ms(word, limit, 1, mono_ms), 0);
		word = rate_add(word, limit, 1, mono_ms);
	}
	return word;
}

static const struct config_rate limits[] = {
	{1, 1000}, {3, 1000}, {20, 600000}, {60, 60000}, {300, 60000}, {1000, 60000}, {7, 86400000}, {10000, 3600000},
};
enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

/* N at once, and not one more; then one after each N-th part of the period, and not a millisecond sooner. */
START_TEST(n_fit_and_then_one_at_a_time)
{
	const struct config_rate *limit = &limits[_i];
	uint64_t word = add_times(0, limit, limit->count, start);
	int64_t now = start;
	for (int i = 0; i < 100; i++) {
		int64_t wait = rate_wait_ms(word, limit, 1, now);
		ck_assert_int_gt(wait, 0);
		ck_assert_int_le(wait, (limit->period_ms + limit->count - 1) / limit->count);
		ck_assert_int_gt(rate_wait_ms(word, limit, 1, now + wait - 1), 0);
		now += wait;
		word = add_times(word, limit, 1, now);
	}
	ck_assert_int_ge(now, start + 99 * limit->period_ms / limit->count);
	ck_assert_int_le(now, start + 100 * (limit->period_ms / limit->count + 1));
}
END_TEST

START_TEST(all_is_forgotten_after_a_period)
{
	const struct config_rate *limit = &limits[_i];
	uint64_t word = add_times(0, limit, limit->count, start);
	ck_assert_uint_eq(rate_percent(word, limit, start), limit->count == 3 || limit->count == 7 ? 99 : 100);
	word = add_times(word, limit, limit->count, start + limit->period_ms);
	ck_assert_int_gt(rate_wait_ms(word, limit, 1, start + limit->period_ms), 0);
	ck_assert_uint_eq(rate_percent(word, limit, start + 3 * limit->period_ms), 0);
}
END_TEST

START_TEST(several_at_once)
{
	const struct config_rate limit = {1000, 60000};
	uint64_t word = rate_add(0, &limit, 400, start);
	ck_assert_int_eq(rate_wait_ms(word, &limit, 600, start), 0);
	ck_assert_int_eq(rate_wait_ms(word, &limit, 601, start), 60);
	ck_assert_uint_eq(rate_percent(word, &limit, start), 40);
	ck_assert_int_eq(rate_wait_ms(word, &limit, 0, start), 0);
}
END_TEST

/* A message that is larger than the limit fits into an empty counter, and then nothing fits for a period. */
START_TEST(more_than_the_limit)
{
	const struct config_rate limit = {500 << 20, 3600000};
	const uint64_t much = UINT64_MAX;
	ck_assert_int_eq(rate_wait_ms(0, &limit, much, start), 0);
	uint64_t word = rate_add(0, &limit, much, start);
	ck_assert_int_eq(rate_wait_ms(word, &limit, much, start), limit.period_ms);
	ck_assert_int_eq(rate_wait_ms(word, &limit, 1, start), 1);
	ck_assert_int_eq(rate_wait_ms(word, &limit, 1, start + 1), 0);
}
END_TEST

/* What was added although it did not fit makes a client wait for a period at most; so does what is no counter. */
START_TEST(a_wait_is_bounded)
{
	const struct config_rate limit = {10, 60000};
	uint64_t word = 0;
	for (int i = 0; i < 1000; i++)
		word = rate_add(word, &limit, 10, start);
	ck_assert_int_eq(rate_wait_ms(word, &limit, 1, start), 66000);
	ck_assert_uint_eq(rate_percent(word, &limit, start), 200);
	ck_assert_int_eq(rate_wait_ms(UINT64_MAX, &limit, 10, start), 120000);
	ck_assert_uint_eq(rate_percent(UINT64_MAX, &limit, start), 200);
}
END_TEST

START_TEST(none)
{
	const struct config_rate limit = {0, 0};
	ck_assert_int_eq(rate_wait_ms(UINT64_MAX, &limit, UINT64_MAX, start), 0);
	ck_assert_uint_eq(rate_add(UINT64_MAX, &limit, 1, start), 0);
	ck_assert_uint_eq(rate_percent(UINT64_MAX, &limit, start), 0);
}
END_TEST

START_TEST(limits_that_differ_have_different_marks)
{
	for (size_t i = 0; i < LIMITS; i++)
		for (size_t k = 0; k < LIMITS; k++)
			ck_assert_int_eq(rate_mark(&limits[i]) == rate_mark(&limits[k]), i == k);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_rate");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, n_fit_and_then_one_at_a_time, 0, LIMITS);
	tcase_add_loop_test(all, all_is_forgotten_after_a_period, 0, LIMITS);
	tcase_add_test(all, several_at_once);
	tcase_add_test(all, more_than_the_limit);
	tcase_add_test(all, a_wait_is_bounded);
	tcase_add_test(all, none);
	tcase_add_test(all, limits_that_differ_have_different_marks);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
