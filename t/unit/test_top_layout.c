/* Where panes and columns are on a screen. */
#include <check.h>

#include "ctl/top/columns.h"
#include "ctl/top/layout.h"
#include "t/unit/suite.h"

static void setup(void)
{
}

static void teardown(void)
{
}

/* The panes follow one another, from the second line to the last but one. */
START_TEST(panes_fill_every_screen)
{
	for (size_t lines = LAYOUT_LINES_MIN; lines < 70; lines++) {
		for (unsigned i = 0; i < 5 * 5 * 5 * PANES; i++) {
			static const size_t numbers[] = {0, 1, 5, 30, 20000};
			const size_t counts[PANES] = {numbers[i % 5], numbers[i / 5 % 5], numbers[i / 25 % 5]};
			struct layout layout;
			size_t line = 1;
			layout_make(lines, 80, counts, (enum pane)(i / 125), &layout);
			ck_assert(layout.fits);
			for (enum pane pane = 0; pane < PANES; pane++) {
				ck_assert_uint_eq(layout.panes[pane].line, line);
				ck_assert_uint_ge(layout.panes[pane].height, 2);
				line += layout.panes[pane].height;
			}
			ck_assert_uint_eq(line, lines - 1);
		}
	}
}
END_TEST

START_TEST(the_focus_gets_most)
{
	const size_t counts[PANES] = {1, 1000, 1000};
	struct layout queue, sessions;
	layout_make(24, 80, counts, PANE_QUEUE, &queue);
	layout_make(24, 80, counts, PANE_SESSIONS, &sessions);
	ck_assert_uint_eq(queue.panes[PANE_SERVERS].height, 2);
	ck_assert_uint_gt(queue.panes[PANE_QUEUE].height, queue.panes[PANE_SESSIONS].height);
	ck_assert_uint_gt(sessions.panes[PANE_SESSIONS].height, sessions.panes[PANE_QUEUE].height);
}
END_TEST

START_TEST(a_pane_leaves_what_it_does_not_need)
{
	const size_t counts[PANES] = {1, 3, 1000}, other[PANES] = {1, 1000, 2};
	struct layout layout;
	layout_make(24, 80, counts, PANE_QUEUE, &layout);
	ck_assert_uint_eq(layout.panes[PANE_QUEUE].height, 4);
	layout_make(24, 80, other, PANE_SESSIONS, &layout);
	ck_assert_uint_eq(layout.panes[PANE_SESSIONS].height, 3);
}
END_TEST

START_TEST(a_small_screen_does_not_fit)
{
	const size_t counts[PANES] = {1, 1, 1};
	struct layout layout;
	layout_make(LAYOUT_LINES_MIN - 1, 80, counts, PANE_QUEUE, &layout);
	ck_assert(!layout.fits);
	layout_make(24, LAYOUT_COLUMNS_MIN - 1, counts, PANE_QUEUE, &layout);
	ck_assert(!layout.fits);
	layout_make(0, 0, counts, PANE_QUEUE, &layout);
	ck_assert(!layout.fits);
}
END_TEST

static const struct columns columns = {
	4,
	{{"NAME", COLUMNS_TEXT, 6, 12, 0},
	 {"N", COLUMNS_NUMBER, 3, 0, 1},
	 {"AGE", COLUMNS_NUMBER, 4, 0, 2},
	 {"WHY", COLUMNS_TEXT, 5, 40, 0}},
};
static const size_t needed[COLUMNS_MAX] = {10, 3, 4, 30};

START_TEST(widths_of_columns)
{
	static const struct {
		size_t screen;
		size_t widths[4];
	} cases[] = {
		{50, {10, 3, 4, 30}},                       /* all that is needed */
		{53, {12, 3, 4, 31}},                       /* what is left goes to those that take it, in turn */
		{80, {12, 3, 4, 40}}, {40, {10, 3, 4, 20}}, /* the last one gives first */
		{22, {7, 3, 4, 5}},   {20, {10, 3, 0, 5}},  /* then the highest rank goes */
		{12, {6, 0, 0, 5}},   {3, {6, 0, 0, 5}},    /* and what stays may be cut */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t widths[COLUMNS_MAX];
		columns_fit(&columns, needed, cases[i].screen, widths);
		for (size_t c = 0; c < columns.n; c++)
			ck_assert_msg(widths[c] == cases[i].widths[c], "screen of %zu: column %zu has %zu",
				      cases[i].screen, c, widths[c]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		panes_fill_every_screen,     the_focus_gets_most, a_pane_leaves_what_it_does_not_need,
		a_small_screen_does_not_fit, widths_of_columns,
	};
	return run_tests("top_layout", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
