#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "t/unit/suite.h"

static const int64_t noon = 1795255200000; /* 2026-11-21T10:00:00Z */

START_TEST(clocks_go_forward)
{
	int64_t before = clock_mono_ms();
	ck_assert_int_le(before, clock_mono_ms());
	ck_assert_int_gt(clock_wall_ms(), 1700000000000);
	ck_assert_int_lt(clock_wall_ms() / 1000 - time(NULL), 2);
}
END_TEST

START_TEST(writes_mail_dates_in_the_local_zone)
{
	static const struct {
		const char *zone;
		int64_t ms;
		const char *text;
	} cases[] = {
		{"UTC0", noon, "Sat, 21 Nov 2026 10:00:00 +0000"},
		{"ABC-9", noon, "Sat, 21 Nov 2026 19:00:00 +0900"},
		{"ABC3:30", noon, "Sat, 21 Nov 2026 06:30:00 -0330"},
		{"ABC-5:45", noon + 999, "Sat, 21 Nov 2026 15:45:00 +0545"},
		{"ABC12", noon, "Fri, 20 Nov 2026 22:00:00 -1200"},
		{"UTC0", 0, "Thu, 01 Jan 1970 00:00:00 +0000"},
		{"UTC0", INT64_MIN, "Thu, 01 Jan 1970 00:00:00 +0000"},
		{"UTC0", INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[CLOCK_TEXT_MAX];
		setenv("TZ", cases[i].zone, 1);
		tzset();
		clock_rfc5322(cases[i].ms, text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

START_TEST(iso_goes_both_ways)
{
	static const int64_t seconds[] = {0, 1, 951782399, 951782400, 951868800, 1795255200, 4107542399, 253402300799};
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		char text[CLOCK_TEXT_MAX];
		int64_t again = -1;
		clock_iso(seconds[i] * 1000 + 999, text);
		ck_assert(clock_iso_parse(span_of(text), &again));
		ck_assert_int_eq(again, seconds[i] * 1000);
	}
	char text[CLOCK_TEXT_MAX];
	clock_iso(noon, text);
	ck_assert_str_eq(text, "2026-11-21T10:00:00Z");
}
END_TEST

START_TEST(iso_takes_no_other_spelling)
{
	static const char *const wrong[] = {
		"",
		"2026-11-21T10:00:00",
		"2026-11-21T10:00:00z",
		"2026-11-21 10:00:00Z",
		"2026-02-29T10:00:00Z",
		"2026-13-01T10:00:00Z",
		"2026-00-01T10:00:00Z",
		"2026-11-00T10:00:00Z",
		"2026-11-21T24:00:00Z",
		"2026-11-21T10:60:00Z",
		"2026-11-21T10:00:60Z",
		"1969-12-31T23:59:59Z",
		"2026-11-21T10:00:00ZZ",
		"+026-11-21T10:00:00Z",
		"2026-11-21T10:00:0 Z",
		"0000-00-00T00:00:00Z",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int64_t ms = 42;
		ck_assert_msg(!clock_iso_parse(span_of(wrong[i]), &ms), "%s", wrong[i]);
		ck_assert_int_eq(ms, 42);
	}
}
END_TEST

START_TEST(durations_have_at_most_two_units)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{-5, "0s"},
		{0, "0s"},
		{999, "0s"},
		{1000, "1s"},
		{59999, "59s"},
		{60000, "1m"},
		{90000, "1m 30s"},
		{3600000, "1h"},
		{3900000, "1h 5m"},
		{3601000, "1h"},
		{86399000, "23h 59m"},
		{172800000, "2d"},
		{176400000, "2d 1h"},
		{172860000, "2d"},
		{INT64_MAX, "106751991167d 7h"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[CLOCK_TEXT_MAX];
		clock_duration(cases[i].ms, text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

START_TEST(never_is_later_than_any_time)
{
	ck_assert_int_eq(clock_sooner(3, 5), 3);
	ck_assert_int_eq(clock_sooner(5, 3), 3);
	ck_assert_int_eq(clock_sooner(0, 5), 0);
	ck_assert_int_eq(clock_sooner(-1, 5), 5);
	ck_assert_int_eq(clock_sooner(5, -1), 5);
	ck_assert_int_eq(clock_sooner(-1, -1), -1);
	ck_assert_int_eq(clock_sooner(INT64_MAX, 5), 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tests = tcase_create("clock");
	tcase_add_test(tests, clocks_go_forward);
	tcase_add_test(tests, writes_mail_dates_in_the_local_zone);
	tcase_add_test(tests, iso_goes_both_ways);
	tcase_add_test(tests, iso_takes_no_other_spelling);
	tcase_add_test(tests, durations_have_at_most_two_units);
	tcase_add_test(tests, never_is_later_than_any_time);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
