#include "common/process/scoreboard.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 10 };

static struct scoreboard *b;

static void setup(void)
{
	b = scoreboard_new(SLOTS);
	ck_assert_ptr_nonnull(b);
}

static void teardown(void)
{
	scoreboard_free(b);
}

START_TEST(empty_at_first)
{
	struct scoreboard_entry entry;
	for (size_t i = 0; i < SLOTS; i++) {
		scoreboard_get(b, i, &entry);
		ck_assert_int_eq(entry.state, SCOREBOARD_EMPTY);
		ck_assert_str_eq(entry.doing, "");
		ck_assert_uint_eq(entry.served, 0);
	}
	ck_assert_uint_eq(scoreboard_count(b, SLOTS, SCOREBOARD_EMPTY), SLOTS);
}
END_TEST

START_TEST(what_a_worker_writes_the_parent_reads)
{
	struct scoreboard_entry entry;
	pid_t pid = fork();
	if (pid == 0) {
		scoreboard_set(b, 3, SCOREBOARD_BUSY, SPAN("[192.0.2.1]:1025 DATA"), 1234567890123);
		scoreboard_served(b, 3);
		scoreboard_served(b, 3);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	scoreboard_get(b, 3, &entry);
	ck_assert_int_eq(entry.state, SCOREBOARD_BUSY);
	ck_assert_str_eq(entry.doing, "[192.0.2.1]:1025 DATA");
	ck_assert_int_eq(entry.since_wall_ms, 1234567890123);
	ck_assert_uint_eq(entry.served, 2);
	scoreboard_reset(b, 3);
	scoreboard_get(b, 3, &entry);
	ck_assert_int_eq(entry.state, SCOREBOARD_EMPTY);
	ck_assert_str_eq(entry.doing, "");
	ck_assert_uint_eq(entry.served, 0);
}
END_TEST

START_TEST(progress_belongs_to_the_work_in_hand)
{
	struct scoreboard_entry entry;
	scoreboard_set(b, 3, SCOREBOARD_BUSY, SPAN("one"), 1000);
	scoreboard_progress(b, 3, 5, 2, 2000);
	scoreboard_get(b, 3, &entry);
	ck_assert_uint_eq(entry.phase, 5);
	ck_assert_uint_eq(entry.done, 2);
	ck_assert_int_eq(entry.since_wall_ms, 1000);
	ck_assert_int_eq(entry.progress_wall_ms, 2000);
	scoreboard_set(b, 3, SCOREBOARD_BUSY, SPAN("two"), 3000);
	scoreboard_get(b, 3, &entry);
	ck_assert_uint_eq(entry.phase + entry.done, 0);
	ck_assert_int_eq(entry.progress_wall_ms, 3000);
}
END_TEST

START_TEST(only_the_work_that_was_named_must_end)
{
	ck_assert(!scoreboard_must_end(b, 3));
	scoreboard_served(b, 3);
	scoreboard_ask_end(b, 3, 1);
	ck_assert(scoreboard_must_end(b, 3));
	ck_assert(!scoreboard_must_end(b, 2));
	scoreboard_served(b, 3);
	ck_assert(!scoreboard_must_end(b, 3));
	scoreboard_ask_end(b, 3, 1);
	ck_assert(!scoreboard_must_end(b, 3));
	scoreboard_ask_end(b, 3, 2);
	scoreboard_reset(b, 3);
	ck_assert(!scoreboard_must_end(b, 3));
}
END_TEST

START_TEST(texts_are_cut_and_never_run_on)
{
	struct scoreboard_entry entry;
	char text[2 * SCOREBOARD_TEXT_MAX];
	memset(text, 'a', sizeof(text));
	for (size_t len = SCOREBOARD_TEXT_MAX - 2; len < SCOREBOARD_TEXT_MAX + 2; len++) {
		scoreboard_set(b, 0, SCOREBOARD_BUSY, (struct span){text, len}, 0);
		scoreboard_get(b, 0, &entry);
		ck_assert_uint_eq(strlen(entry.doing), len < SCOREBOARD_TEXT_MAX ? len : SCOREBOARD_TEXT_MAX - 1);
	}
	scoreboard_set(b, 0, SCOREBOARD_IDLE, SPAN("b"), 0);
	scoreboard_get(b, 0, &entry);
	ck_assert_str_eq(entry.doing, "b");
	scoreboard_get(b, 1, &entry);
	ck_assert_str_eq(entry.doing, "");
}
END_TEST

START_TEST(unknown_states_read_as_busy)
{
	struct scoreboard_entry entry;
	scoreboard_set(b, 1, (enum scoreboard_state)77, SPAN(""), 0);
	scoreboard_get(b, 1, &entry);
	ck_assert_int_eq(entry.state, SCOREBOARD_BUSY);
	ck_assert_int_eq(scoreboard_state(b, 1), SCOREBOARD_BUSY);
	ck_assert_uint_eq(scoreboard_count(b, SLOTS, SCOREBOARD_BUSY), 1);
}
END_TEST

START_TEST(counts_are_bounded)
{
	scoreboard_set(b, 0, SCOREBOARD_IDLE, SPAN(""), 0);
	scoreboard_set(b, 4, SCOREBOARD_IDLE, SPAN(""), 0);
	scoreboard_set(b, 9, SCOREBOARD_IDLE, SPAN(""), 0);
	ck_assert_uint_eq(scoreboard_count(b, 0, SCOREBOARD_IDLE), 0);
	ck_assert_uint_eq(scoreboard_count(b, 4, SCOREBOARD_IDLE), 1);
	ck_assert_uint_eq(scoreboard_count(b, 5, SCOREBOARD_IDLE), 2);
	ck_assert_uint_eq(scoreboard_count(b, SLOTS, SCOREBOARD_IDLE), 3);
	ck_assert_uint_eq(scoreboard_count(b, SIZE_MAX, SCOREBOARD_IDLE), 3);
}
END_TEST

/* Only busy slots have a phase that counts. */
START_TEST(phases_are_counted)
{
	for (size_t slot = 0; slot < 3; slot++) {
		scoreboard_set(b, slot, SCOREBOARD_BUSY, SPAN("x"), 0);
		scoreboard_progress(b, slot, slot ? 7 : 8, 0, 0);
	}
	scoreboard_set(b, 3, SCOREBOARD_IDLE, SPAN(""), 0);
	scoreboard_progress(b, 3, 7, 0, 0);
	ck_assert_uint_eq(scoreboard_count_phase(b, SIZE_MAX, 7), 2);
	ck_assert_uint_eq(scoreboard_count_phase(b, 2, 7), 1);
	scoreboard_set(b, 1, SCOREBOARD_BUSY, SPAN("y"), 0);
	ck_assert_uint_eq(scoreboard_count_phase(b, SLOTS, 7), 1);
	scoreboard_reset(b, 2);
	ck_assert_uint_eq(scoreboard_count_phase(b, SLOTS, 7), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scoreboard");
	TCase *tc = tcase_create("scoreboard");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, empty_at_first);
	tcase_add_test(tc, what_a_worker_writes_the_parent_reads);
	tcase_add_test(tc, progress_belongs_to_the_work_in_hand);
	tcase_add_test(tc, only_the_work_that_was_named_must_end);
	tcase_add_test(tc, texts_are_cut_and_never_run_on);
	tcase_add_test(tc, unknown_states_read_as_busy);
	tcase_add_test(tc, counts_are_bounded);
	tcase_add_test(tc, phases_are_counted);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
