/* Rates of counters over time, and their graph. */
#include <check.h>
#include <string.h>

#include "ctl/top/graph.h"
#include "t/unit/suite.h"

static struct rates rates;

static void setup(void)
{
	rates = (struct rates){.begun = false};
}

static void teardown(void)
{
}

static void read_at(int64_t ms, uint64_t in)
{
	const uint64_t totals[RATES_KINDS] = {in, 0};
	rates_add(&rates, totals, ms);
}

START_TEST(first_reading_is_no_rate)
{
	read_at(1000, 7);
	ck_assert_uint_eq(rates.n, 0);
	ck_assert_uint_eq(rates_mean(&rates, RATES_IN), RATES_UNKNOWN);
}
END_TEST

START_TEST(a_rate_a_second)
{
	read_at(1000, 100);
	read_at(2000, 103);
	read_at(3000, 103);
	ck_assert_uint_eq(rates.n, 2);
	ck_assert_uint_eq(rates.points[RATES_IN][0], 3000);
	ck_assert_uint_eq(rates.points[RATES_IN][1], 0);
	ck_assert_uint_eq(rates_mean(&rates, RATES_IN), 1500);
	ck_assert_uint_eq(rates_mean(&rates, RATES_OUT), 0);
}
END_TEST

/* A late reading fills the seconds that were missed; one that is too early waits. */
START_TEST(readings_out_of_step)
{
	read_at(1000, 0);
	read_at(1300, 5);
	ck_assert_uint_eq(rates.n, 0);
	read_at(4000, 30);
	ck_assert_uint_eq(rates.n, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(rates.points[RATES_IN][i], 10000);
}
END_TEST

START_TEST(gaps_and_new_beginnings_are_not_known)
{
	read_at(1000, 100);
	rates_add(&rates, NULL, 2000);
	read_at(3000, 200);
	read_at(4000, 5);
	read_at(5000, 6);
	ck_assert_uint_eq(rates.n, 4);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(rates.points[RATES_IN][i], RATES_UNKNOWN);
	ck_assert_uint_eq(rates.points[RATES_IN][3], 1000);
	ck_assert_uint_eq(rates_mean(&rates, RATES_IN), 1000);
}
END_TEST

START_TEST(only_the_last_minute_is_kept)
{
	for (int i = 0; i <= 100; i++)
		read_at(1000 * i, (uint64_t)(i < 70 ? 0 : (i - 69) * 2));
	ck_assert_uint_eq(rates.n, RATES_SECONDS);
	ck_assert_uint_eq(rates.points[RATES_IN][0], 0);
	ck_assert_uint_eq(rates.points[RATES_IN][28], 0);
	ck_assert_uint_eq(rates.points[RATES_IN][29], 2000);
	ck_assert_uint_eq(rates_mean(&rates, RATES_IN), 2000);
	read_at(1000 * 1000, 1000);
	ck_assert_uint_eq(rates.n, RATES_SECONDS);
	ck_assert_uint_eq(rates.points[RATES_IN][0], rates.points[RATES_IN][RATES_SECONDS - 1]);
}
END_TEST

START_TEST(counters_of_any_size)
{
	read_at(1000, 0);
	read_at(2000, UINT64_MAX);
	ck_assert_uint_eq(rates.points[RATES_IN][0], RATES_UNKNOWN - 1);
}
END_TEST

START_TEST(rates_in_words)
{
	static const struct {
		uint32_t rate;
		const char *text;
	} cases[] = {{0, "0"},      {40, "0.0"},  {150, "0.2"},    {1000, "1.0"},
		     {9949, "9.9"}, {9950, "10"}, {123456, "123"}, {RATES_UNKNOWN, "-"}};
	char text[RATES_TEXT_MAX];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rates_format(cases[i].rate, text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

START_TEST(graph_of_a_minute)
{
	uint32_t points[RATES_SECONDS];
	char text[GRAPH_TEXT_MAX];
	for (uint32_t i = 0; i < RATES_SECONDS; i++)
		points[i] = i < 6 ? RATES_UNKNOWN : i < 30 ? 0 : i * 1000;
	graph_draw(points, RATES_SECONDS, 10, false, text);
	ck_assert_str_eq(text, " ____+*%##");
	graph_draw(points, RATES_SECONDS, 10, true, text);
	ck_assert_str_eq(text, " ▁▁▁▁▅▆▇██");
}
END_TEST

/* What is not known yet is at the left, and little traffic does not look like much. */
START_TEST(graph_that_begins)
{
	const uint32_t points[3] = {0, 100, 500};
	char text[GRAPH_TEXT_MAX];
	graph_draw(points, 3, RATES_SECONDS, false, text);
	ck_assert_uint_eq(strlen(text), RATES_SECONDS);
	ck_assert_str_eq(text + RATES_SECONDS - 4, " _.=");
	graph_draw(points, 0, 5, false, text);
	ck_assert_str_eq(text, "     ");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		first_reading_is_no_rate,
		a_rate_a_second,
		readings_out_of_step,
		gaps_and_new_beginnings_are_not_known,
		only_the_last_minute_is_kept,
		counters_of_any_size,
		rates_in_words,
		graph_of_a_minute,
		graph_that_begins,
	};
	return run_tests("top_rates", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
