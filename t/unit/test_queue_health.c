#include "queue/rules/health.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>

static struct health h;
static struct health_key key, other;

static void open_health(void)
{
	struct ipaddr ip;
	h = (struct health){0};
	ck_assert(ipaddr_parse(SPAN("192.0.2.1"), &ip));
	health_key(&key, &ip, 25, 0);
	health_key(&other, &ip, 25, 1);
}

static void close_health(void)
{
	health_free(&h);
}

START_TEST(unknown_hosts_are_well)
{
	ck_assert_int_eq(health_of(&h, &key, 0), HEALTH_WELL);
	ck_assert_int_eq(health_until(&h, &key), 0);
	ck_assert(!health_worked(&h, &key));
	health_probe(&h, &key, 0);
	ck_assert_ptr_null(h.table);
}
END_TEST

START_TEST(sick_then_due_then_well)
{
	ck_assert(health_failed(&h, &key, 100));
	ck_assert_int_eq(health_of(&h, &key, 100), HEALTH_SICK);
	ck_assert_int_eq(health_of(&h, &key, 99 + HEALTH_FIRST_MS), HEALTH_SICK);
	ck_assert_int_eq(health_of(&h, &key, 100 + HEALTH_FIRST_MS), HEALTH_DUE);
	ck_assert(health_worked(&h, &key));
	ck_assert_int_eq(health_of(&h, &key, 100 + HEALTH_FIRST_MS), HEALTH_WELL);
	ck_assert_ptr_null(h.table);
}
END_TEST

START_TEST(requirements_tell_hosts_apart)
{
	ck_assert(health_failed(&h, &key, 0));
	ck_assert_int_eq(health_of(&h, &other, 0), HEALTH_WELL);
	ck_assert(!health_worked(&h, &other));
	ck_assert_int_eq(health_of(&h, &key, 0), HEALTH_SICK);
}
END_TEST

/* A hundred jobs that fail together count as one failure. */
START_TEST(one_failure_for_those_that_fail_together)
{
	ck_assert(health_failed(&h, &key, 0));
	for (int i = 0; i < 100; i++)
		ck_assert(!health_failed(&h, &key, i));
	ck_assert_int_eq(health_until(&h, &key), HEALTH_FIRST_MS);
}
END_TEST

START_TEST(each_probe_that_fails_doubles_the_wait)
{
	int64_t now = 0;
	ck_assert(health_failed(&h, &key, now));
	for (int64_t wait = HEALTH_FIRST_MS; wait < 4 * HEALTH_LONGEST_MS; wait *= 2) {
		int64_t expected = wait < HEALTH_LONGEST_MS ? wait : HEALTH_LONGEST_MS;
		ck_assert_int_eq(health_until(&h, &key) - now, expected);
		now = health_until(&h, &key);
		ck_assert_int_eq(health_of(&h, &key, now), HEALTH_DUE);
		health_probe(&h, &key, now);
		ck_assert(!health_failed(&h, &key, now));
	}
}
END_TEST

/* One probe at a time; if it never ends, another job probes. */
START_TEST(a_probe_keeps_others_away_for_a_while)
{
	ck_assert(health_failed(&h, &key, 0));
	health_probe(&h, &key, HEALTH_FIRST_MS);
	ck_assert_int_eq(health_of(&h, &key, HEALTH_FIRST_MS), HEALTH_SICK);
	ck_assert_int_eq(health_of(&h, &key, HEALTH_FIRST_MS + HEALTH_PROBE_MS - 1), HEALTH_SICK);
	ck_assert_int_eq(health_of(&h, &key, HEALTH_FIRST_MS + HEALTH_PROBE_MS), HEALTH_DUE);
}
END_TEST

START_TEST(forgotten_when_not_used)
{
	ck_assert(health_failed(&h, &key, 0));
	health_sweep(&h, HEALTH_FIRST_MS + HEALTH_FORGET_MS);
	ck_assert_int_eq(health_of(&h, &key, 0), HEALTH_SICK);
	health_sweep(&h, HEALTH_FIRST_MS + HEALTH_FORGET_MS + 1);
	ck_assert_ptr_null(h.table);
}
END_TEST

/* A million dead hosts take no memory beyond the bound, and known hosts stay known. */
START_TEST(bounded)
{
	struct health_key many = key;
	for (uint64_t i = 0; i < HEALTH_MAX; i++) {
		many.manner = i;
		ck_assert(health_failed(&h, &many, 0));
	}
	many.manner = HEALTH_MAX;
	ck_assert(!health_failed(&h, &many, 0));
	ck_assert_int_eq(health_of(&h, &many, 0), HEALTH_WELL);
	ck_assert_int_eq(health_of(&h, &key, 0), HEALTH_SICK);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		unknown_hosts_are_well,
		sick_then_due_then_well,
		requirements_tell_hosts_apart,
		one_failure_for_those_that_fail_together,
		each_probe_that_fails_doubles_the_wait,
		a_probe_keeps_others_away_for_a_while,
		forgotten_when_not_used,
		bounded,
	};
	Suite *suite = suite_create("queue_health");
	TCase *tcase = tcase_create("health");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, open_health, close_health);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
