#include "common/process/pace.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>

START_TEST(forks_what_is_missing)
{
	struct pace p = {0};
	ck_assert_uint_eq(pace_forks(&p, 0, 100, 1000), 0);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 1000), 5);
	ck_assert_uint_eq(pace_forks(&p, 5, 0, 9000), 0);
	ck_assert_uint_eq(pace_forks(&p, 5, 3, 9000), 3);
	ck_assert_uint_eq(pace_forks(&p, 500, 1000, 19000), PACE_BATCH_MAX);
}
END_TEST

START_TEST(ramps_up_while_shortage_follows_shortage)
{
	static const size_t want[] = {1, 2, 4, 8, 16, 32, 32};
	struct pace p = {0};
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		ck_assert_uint_eq(pace_forks(&p, 1, 1000, 1000 + (int64_t)i * 999), want[i]);
	ck_assert_uint_eq(pace_forks(&p, 1, 1000, 1000 + 6 * 999 + 1000), 1);
}
END_TEST

START_TEST(a_row_of_early_deaths_throttles)
{
	struct pace p = {0};
	for (int i = 1; i < PACE_EARLY_ROW; i++)
		ck_assert(!pace_death(&p, true, 10, 5000));
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 5000), 5);
	ck_assert(pace_death(&p, true, PACE_EARLY_MS - 1, 5000));
	ck_assert_int_eq(pace_delay(&p, 5000), 1000);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 5999), 0);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 6000), 1);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 6000), 0);
	ck_assert_msg(!pace_death(&p, true, 900, 6900), "the throttle was announced twice");
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 7000), 1);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 8899), 1);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 9899), 5);
}
END_TEST

START_TEST(a_row_is_broken_by_any_other_end)
{
	struct pace p = {0};
	for (int round = 0; round < 2 * PACE_EARLY_ROW; round++) {
		ck_assert(!pace_death(&p, true, 10, 5000));
		ck_assert(!pace_death(&p, round % 2, round % 2 ? PACE_EARLY_MS : 10, 5000));
	}
	ck_assert_int_eq(pace_delay(&p, 5000), 0);
}
END_TEST

START_TEST(a_failed_fork_waits_a_second)
{
	struct pace p = {0};
	pace_fork_failed(&p, 5000);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 5999), 0);
	ck_assert_uint_eq(pace_forks(&p, 5, 100, 6000), 5);
}
END_TEST

START_TEST(surplus_goes_one_a_second_after_ten)
{
	struct pace p = {.surplus_ms = 10000};
	int gone = 0;
	for (int64_t now = 1000; now <= 11000; now += 500)
		ck_assert(!pace_retire(&p, true, now));
	ck_assert(pace_retire(&p, true, 11001));
	for (int64_t now = 11001; now < 16001; now += 100)
		gone += pace_retire(&p, true, now);
	ck_assert_int_eq(gone, 4);
	ck_assert(!pace_retire(&p, false, 16001));
	ck_assert_msg(!pace_retire(&p, true, 17001), "a break of the surplus was overlooked");
	ck_assert(!pace_retire(&p, true, 27001));
	ck_assert(pace_retire(&p, true, 27002));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tc = tcase_create("pace");
	tcase_add_test(tc, forks_what_is_missing);
	tcase_add_test(tc, ramps_up_while_shortage_follows_shortage);
	tcase_add_test(tc, a_row_of_early_deaths_throttles);
	tcase_add_test(tc, a_row_is_broken_by_any_other_end);
	tcase_add_test(tc, a_failed_fork_waits_a_second);
	tcase_add_test(tc, surplus_goes_one_a_second_after_ten);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
