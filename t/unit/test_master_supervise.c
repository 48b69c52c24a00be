#include "master/supervise.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "t/unit/suite.h"

enum { EXITED_PERMANENT = EXIT_PERMANENT << 8, EXITED_TEMPORARY = EXIT_TEMPORARY << 8 };

START_TEST(early_deaths_double_the_wait)
{
	unsigned early = 0;
	int64_t before = -1;

	ck_assert_int_eq(supervise_delay(&early, 0), 0);
	for (int i = 0; i < 8; i++) {
		int64_t delay = supervise_delay(&early, 999);
		ck_assert_int_gt(delay, before);
		before = delay;
	}
	ck_assert_int_eq(before, 30000);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(supervise_delay(&early, 0), 30000);
}
END_TEST

START_TEST(a_life_of_a_second_resets_the_wait)
{
	unsigned early = 7;

	ck_assert_int_eq(supervise_delay(&early, SUPERVISE_EARLY_MS), 0);
	ck_assert_uint_eq(early, 0);
	ck_assert_int_eq(supervise_delay(&early, SUPERVISE_EARLY_MS - 1), 0);
	ck_assert_int_eq(supervise_delay(&early, SUPERVISE_EARLY_MS - 1), 100);
}
END_TEST

START_TEST(killed_is_restarted_at_once)
{
	struct supervised child;

	supervise_init(&child, CHILD_QUEUE);
	supervise_started(&child, 4711, -1, 5000);
	ck_assert_int_eq(child.state, SUPERVISE_STARTING);
	ck_assert_uint_eq(child.restarts, 0);
	child.state = SUPERVISE_READY;
	supervise_gone(&child, SIGKILL, 9000);
	ck_assert_int_eq(child.state, SUPERVISE_DOWN);
	ck_assert_int_eq(child.due_ms, 9000);
	ck_assert(!supervise_alive(&child));
	ck_assert_str_eq(child.why, "killed by signal 9 (Killed)");
	supervise_started(&child, 4712, -1, 9000);
	ck_assert_uint_eq(child.restarts, 1);
}
END_TEST

START_TEST(permanent_stays_down)
{
	struct supervised child;

	supervise_init(&child, CHILD_SMTPD);
	supervise_started(&child, 1, -1, 1);
	supervise_gone(&child, EXITED_PERMANENT, 2);
	ck_assert_int_eq(child.state, SUPERVISE_DOWN); /* once may be a temporary shortage */
	supervise_started(&child, 1, -1, child.due_ms);
	supervise_gone(&child, EXITED_PERMANENT, 200);
	ck_assert_int_eq(child.state, SUPERVISE_FAILED);
	ck_assert_str_eq(child.why, "exit 100");
	supervise_started(&child, 1, -1, 300);
	supervise_gone(&child, EXITED_TEMPORARY, 400);
	ck_assert_int_eq(child.state, SUPERVISE_DOWN);
	supervise_again(&child, 500);
	supervise_started(&child, 1, -1, 500);
	supervise_gone(&child, EXITED_PERMANENT, 501);
	ck_assert_int_eq(child.state, SUPERVISE_DOWN);
	supervise_started(&child, 1, -1, child.due_ms);
	supervise_works(&child);
	supervise_gone(&child, EXITED_PERMANENT, 700);
	ck_assert_int_eq(child.state, SUPERVISE_DOWN);
}
END_TEST

/* A restart because of a reload is not a crash, and `status` must not count it. */
START_TEST(requested_ends_are_not_counted)
{
	static const enum supervise_state asked[] = {SUPERVISE_REPLACING, SUPERVISE_STOPPING, SUPERVISE_RETIRING};
	struct supervised child;

	supervise_init(&child, CHILD_QUEUE);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		supervise_started(&child, 1, -1, 1000);
		child.state = asked[i];
		supervise_gone(&child, 0, 9000);
		ck_assert_uint_eq(child.restarts, 0);
		ck_assert_str_eq(child.why, "");
		ck_assert_str_eq(child.ended, "exit 0");
	}
	supervise_started(&child, 1, -1, 9000);
	supervise_gone(&child, 0, 10000);
	ck_assert_str_eq(child.why, "it ended by itself (exit 0); the log has the reason");
	child.restarts = 0;
	supervise_started(&child, 1, -1, 10000);
	supervise_gone(&child, SIGKILL, 19000);
	supervise_started(&child, 1, -1, 19000);
	child.state = SUPERVISE_REPLACING;
	supervise_gone(&child, 0, 29000);
	ck_assert_uint_eq(child.restarts, 1);
	ck_assert_str_eq(child.why, "killed by signal 9 (Killed)");
}
END_TEST

/* A child that was told to stop is not started again, whatever its exit status. */
START_TEST(stopped_is_not_restarted)
{
	static const int statuses[] = {0, SIGKILL, EXITED_PERMANENT, EXITED_TEMPORARY};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct supervised child;
		supervise_init(&child, CHILD_LOCAL);
		supervise_started(&child, 1, -1, 1);
		child.state = SUPERVISE_STOPPING;
		supervise_gone(&child, statuses[i], 2);
		ck_assert_int_eq(child.state, SUPERVISE_STOPPED);
	}
}
END_TEST

START_TEST(a_start_that_fails_is_an_early_death)
{
	struct supervised child;

	supervise_init(&child, CHILD_LOCAL);
	for (int i = 0; i < 5; i++)
		supervise_not_started(&child, 1000, 11);
	ck_assert_int_eq(child.state, SUPERVISE_DOWN);
	ck_assert_int_eq(child.due_ms, 2000);
}
END_TEST

/* On a slow machine its start takes longer than SUPERVISE_EARLY_MS. */
START_TEST(a_child_that_never_was_ready_died_early)
{
	struct supervised child;

	supervise_init(&child, CHILD_DELIVERY);
	for (int64_t i = 0; i < 5; i++) {
		supervise_started(&child, 1, -1, 10000 * i);
		supervise_gone(&child, EXITED_TEMPORARY, 10000 * i + 3000);
	}
	ck_assert_int_eq(child.due_ms - 43000, 1000);
	supervise_started(&child, 1, -1, 50000);
	child.state = SUPERVISE_READY;
	supervise_gone(&child, EXITED_TEMPORARY, 53000);
	ck_assert_int_eq(child.due_ms, 53000);
}
END_TEST

START_TEST(trouble_is_cut_at_its_bound_and_forgotten_in_time)
{
	static char flood[3 * SUPERVISE_TROUBLE_MAX];
	struct supervised child;

	memset(flood, 'a', sizeof(flood));
	supervise_init(&child, CHILD_SMTPD);
	supervise_started(&child, 7, -1, 1);
	supervise_trouble(&child, (struct span){flood, sizeof(flood)});
	ck_assert_uint_eq(strlen(child.trouble), SUPERVISE_TROUBLE_MAX);
	supervise_trouble(&child, SPAN("one\ntwo"));
	ck_assert_str_eq(child.trouble, "one\ntwo\n");
	supervise_works(&child);
	ck_assert_str_eq(child.trouble, "one\ntwo\n");
	supervise_gone(&child, EXITED_TEMPORARY, 2);
	ck_assert_str_eq(child.trouble, "one\ntwo\n");
	supervise_started(&child, 8, -1, 3);
	supervise_works(&child);
	ck_assert_str_eq(child.trouble, "");
	supervise_trouble(&child, SPAN("three"));
	supervise_trouble(&child, SPAN(""));
	ck_assert_str_eq(child.trouble, "");
	supervise_trouble(&child, SPAN("four"));
	child.state = SUPERVISE_RETIRING;
	supervise_gone(&child, 0, 4);
	ck_assert_str_eq(child.trouble, "");
}
END_TEST

START_TEST(states_have_names)
{
	for (unsigned i = 0; i < SUPERVISE_STATE_COUNT; i++)
		ck_assert_str_ne(supervise_state_name((enum supervise_state)i), "unknown");
	ck_assert_str_eq(supervise_state_name(SUPERVISE_STATE_COUNT), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("supervise");
	TCase *tc = tcase_create("supervise");
	tcase_add_test(tc, early_deaths_double_the_wait);
	tcase_add_test(tc, a_life_of_a_second_resets_the_wait);
	tcase_add_test(tc, killed_is_restarted_at_once);
	tcase_add_test(tc, permanent_stays_down);
	tcase_add_test(tc, requested_ends_are_not_counted);
	tcase_add_test(tc, stopped_is_not_restarted);
	tcase_add_test(tc, a_start_that_fails_is_an_early_death);
	tcase_add_test(tc, a_child_that_never_was_ready_died_early);
	tcase_add_test(tc, trouble_is_cut_at_its_bound_and_forgotten_in_time);
	tcase_add_test(tc, states_have_names);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
