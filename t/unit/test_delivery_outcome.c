#include <check.h>
#include <stdlib.h>

#include "delivery/report/outcome.h"
#include "t/unit/suite.h"

enum { COUNT = 20 };

static struct address rcpts[COUNT];
static struct envelope envelope = {.rcpts = rcpts, .rcpt_count = COUNT};

static struct outcome outcome_of(enum journal_event event, const char *text)
{
	return (struct outcome){.event = event, .code = 250, .enhanced = {2, 0, 0}, .text = span_of(text)};
}

START_TEST(selects_by_bitmap)
{
	struct arena arena;
	struct outcomes o;
	arena_init(&arena, OUTCOME_ARENA_MAX);
	ck_assert(outcomes_select(&o, &arena, &envelope, (struct span){0}));
	ck_assert_uint_eq(o.n, COUNT);
	ck_assert_uint_eq(outcomes_open(&o), COUNT);
	ck_assert(outcomes_select(&o, &arena, &envelope, (struct span){"\x81\x00\x08", 3}));
	ck_assert_uint_eq(o.n, 3);
	ck_assert_uint_eq(o.rcpts[0].ordinal, 0);
	ck_assert_uint_eq(o.rcpts[1].ordinal, 7);
	ck_assert_uint_eq(o.rcpts[2].ordinal, 19);
	arena_free(&arena);
}
END_TEST

START_TEST(refuses_bits_without_recipient)
{
	struct arena arena;
	struct outcomes o;
	arena_init(&arena, OUTCOME_ARENA_MAX);
	ck_assert(!outcomes_select(&o, &arena, &envelope, (struct span){"\x01\x00\x10", 3}));
	ck_assert(!outcomes_select(&o, &arena, &envelope, (struct span){"\x01\x00\x00\x01", 4}));
	ck_assert(!outcomes_select(&o, &arena, &envelope, (struct span){"\x00\x00\x00", 3}));
	arena_free(&arena);
}
END_TEST

START_TEST(first_bit)
{
	ck_assert_uint_eq(outcomes_first((struct span){0}), 0);
	ck_assert_uint_eq(outcomes_first((struct span){"\x00", 1}), 0);
	ck_assert_uint_eq(outcomes_first((struct span){"\x00\x80", 2}), 15);
	ck_assert_uint_eq(outcomes_first((struct span){"\x02\x01", 2}), 1);
}
END_TEST

/* Ordinals 0 1 2, 3, 5 6 7: a run ends where the outcome changes or an ordinal is missing. */
START_TEST(runs)
{
	struct arena arena;
	struct outcomes o;
	struct outcome_run run;
	struct outcome a = outcome_of(JOURNAL_DELIVERED, "a"), b = outcome_of(JOURNAL_FAILED, "b");
	size_t at = 0;
	arena_init(&arena, OUTCOME_ARENA_MAX);
	ck_assert(outcomes_select(&o, &arena, &envelope, (struct span){"\xef\x01", 2}));
	outcomes_decide(&o, &o.rcpts[3], &b);
	outcomes_decide(&o, &o.rcpts[0], &a);
	outcomes_decide(&o, &o.rcpts[6], &b);
	outcomes_decide_open(&o, false, &a);
	o.rcpts[7].outcome = NULL;
	ck_assert(outcomes_run(&o, &at, &run));
	ck_assert(run.first == 0 && run.last == 2 && run.at == 0 && run.count == 3);
	ck_assert(span_equal(run.outcome->text, SPAN("a")));
	ck_assert(outcomes_run(&o, &at, &run));
	ck_assert(run.first == 3 && run.last == 3 && run.count == 1);
	ck_assert(outcomes_run(&o, &at, &run));
	ck_assert(run.first == 5 && run.last == 6 && run.at == 4 && run.count == 2);
	ck_assert(outcomes_run(&o, &at, &run));
	ck_assert(run.first == 7 && run.last == 7 && run.at == 6);
	ck_assert(!outcomes_run(&o, &at, &run));
	arena_free(&arena);
}
END_TEST

START_TEST(accepted_only)
{
	struct arena arena;
	struct outcomes o;
	struct outcome a = outcome_of(JOURNAL_DELIVERED, "a");
	arena_init(&arena, OUTCOME_ARENA_MAX);
	ck_assert(outcomes_select(&o, &arena, &envelope, (struct span){0}));
	o.rcpts[4].accepted = o.rcpts[5].accepted = true;
	outcomes_decide_open(&o, true, &a);
	ck_assert_uint_eq(outcomes_open(&o), COUNT - 2);
	ck_assert_ptr_eq(o.rcpts[4].outcome, o.rcpts[5].outcome);
	o.rcpts[6].accepted = true;
	outcomes_unaccept(&o);
	outcomes_decide_open(&o, true, &a);
	ck_assert_uint_eq(outcomes_open(&o), COUNT - 2);
	arena_free(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outcome");
	TCase *all = tcase_create("all");
	tcase_add_test(all, selects_by_bitmap);
	tcase_add_test(all, refuses_bits_without_recipient);
	tcase_add_test(all, first_bit);
	tcase_add_test(all, runs);
	tcase_add_test(all, accepted_only);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
