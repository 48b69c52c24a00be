#include <check.h>
#include <string.h>

#include "common/base/span.h"
#include "t/unit/suite.h"

static void assert_span(struct span s, const char *expected)
{
	ck_assert_msg(span_equal(s, span_of(expected)), "'%.*s' is not '%s'", SPAN_ARGS(s), expected);
}

START_TEST(span_of_null_is_empty)
{
	ck_assert_uint_eq(span_of(NULL).len, 0);
	ck_assert(span_equal(span_of(NULL), SPAN("")));
	ck_assert(span_starts(span_of(NULL), span_of(NULL)));
}
END_TEST

START_TEST(compares_with_and_without_case)
{
	ck_assert(span_equal(SPAN("a\0b"), SPAN("a\0b")));
	ck_assert(!span_equal(SPAN("a\0b"), SPAN("a\0c")));
	ck_assert(!span_equal(SPAN("ab"), SPAN("aB")));
	ck_assert(!span_equal(SPAN("ab"), SPAN("abc")));
	ck_assert(span_equal_nocase(SPAN("aZ[\xc4"), SPAN("Az[\xc4")));
	ck_assert_msg(!span_equal_nocase(SPAN("@"), SPAN("`")), "only letters have a case");
	ck_assert_msg(!span_equal_nocase(SPAN("["), SPAN("{")), "only letters have a case");
	ck_assert_msg(!span_equal_nocase(SPAN("\xc4"), SPAN("\xe4")), "only ASCII has a case");
}
END_TEST

START_TEST(sees_eight_bits_at_every_place)
{
	for (size_t len = 0; len < 40; len++) {
		char text[40];
		memset(text, 0x7f, sizeof(text));
		ck_assert(!span_eight_bit((struct span){text, len}));
		for (size_t at = 0; at < len; at++) {
			text[at] = (char)0x80;
			ck_assert(span_eight_bit((struct span){text, len}));
			text[at] = 0;
		}
	}
}
END_TEST

START_TEST(starts_and_ends)
{
	ck_assert(span_starts(SPAN("abc"), SPAN("ab")));
	ck_assert(span_starts(SPAN("abc"), SPAN("")));
	ck_assert(!span_starts(SPAN("ab"), SPAN("abc")));
	ck_assert(!span_starts(SPAN("abc"), SPAN("AB")));
	ck_assert(span_starts_nocase(SPAN("abc"), SPAN("AB")));
	ck_assert(span_ends_nocase(SPAN("abc"), SPAN("BC")));
	ck_assert(!span_ends_nocase(SPAN("bc"), SPAN("abc")));
	ck_assert(!span_ends_nocase(SPAN("abc"), SPAN("ab")));
}
END_TEST

START_TEST(skips_and_trims)
{
	assert_span(span_skip(SPAN("abc"), 2), "c");
	assert_span(span_skip(SPAN("abc"), 4), "");
	assert_span(span_trim(SPAN(" \t a b\t ")), "a b");
	assert_span(span_trim(SPAN(" \t")), "");
	assert_span(span_trim(SPAN("\na\r")), "\na\r");
	ck_assert_uint_eq(span_find(SPAN("abc"), 'c'), 2);
	ck_assert_uint_eq(span_find(SPAN("abc"), 'd'), 3);
	ck_assert_uint_eq(span_find(span_of(NULL), 'd'), 0);
}
END_TEST

START_TEST(takes_fields)
{
	struct span s = SPAN("a,,b");
	assert_span(span_take(&s, ','), "a");
	assert_span(span_take(&s, ','), "");
	assert_span(span_take(&s, ','), "b");
	assert_span(s, "");
	assert_span(span_take(&s, ','), "");
	s = SPAN("a,");
	assert_span(span_take(&s, ','), "a");
	assert_span(s, "");
}
END_TEST

START_TEST(takes_lines)
{
	struct span s = SPAN("a\r\nb\n\r\nc\rd\ne\r");
	struct span line;
	static const char *const expected[] = {"a", "b", "", "c\rd", "e\r"};
	for (size_t i = 0; i < 5; i++) {
		ck_assert(span_line(&s, &line));
		assert_span(line, expected[i]);
	}
	ck_assert(!span_line(&s, &line));
	s = SPAN("a\n");
	ck_assert(span_line(&s, &line));
	ck_assert(!span_line(&s, &line));
}
END_TEST

START_TEST(numbers_do_not_overflow)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} cases[] = {
		{"0", 0, true, 0},
		{"1", 0, false, 0},
		{"007", 7, true, 7},
		{"10", 9, false, 0},
		{"255", 255, true, 255},
		{"256", 255, false, 0},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"18446744073709551617", UINT64_MAX, false, 0},
		{"99999999999999999999", UINT64_MAX, false, 0},
		{"184467440737095516150", UINT64_MAX, false, 0},
		{"", 9, false, 0},
		{"-1", 9, false, 0},
		{"+1", 9, false, 0},
		{" 1", 9, false, 0},
		{"1 ", 9, false, 0},
		{"1e3", 9999, false, 0},
		{"0x1", 9, false, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 42;
		bool ok = span_to_u64(span_of(cases[i].text), cases[i].max, &value);
		ck_assert_msg(ok == cases[i].ok, "%s up to %lu", cases[i].text, (unsigned long)cases[i].max);
		ck_assert_uint_eq(value, ok ? cases[i].value : 42);
	}
}
END_TEST

START_TEST(copies_only_what_fits)
{
	char to[4] = "old";
	ck_assert(span_copy(SPAN("abc"), to, sizeof(to)));
	ck_assert_str_eq(to, "abc");
	ck_assert(!span_copy(SPAN("abcd"), to, sizeof(to)));
	ck_assert_str_eq(to, "");
	ck_assert(!span_copy(SPAN("a\0b"), to, sizeof(to)));
	ck_assert(!span_copy(SPAN(""), to, 0));
	ck_assert(span_copy(span_of(NULL), to, 1));
	ck_assert_str_eq(to, "");
}
END_TEST

START_TEST(cleans_and_cuts)
{
	char to[16];
	ck_assert_uint_eq(span_clean(SPAN("a\n\x7f\xff~"), to, sizeof(to)), 14);
	ck_assert_str_eq(to, "a\\x0a\\x7f\\xff~");
	ck_assert_uint_eq(span_clean(SPAN("ab\n"), to, 6), 2);
	ck_assert_str_eq(to, "ab");
	ck_assert_uint_eq(span_clean(SPAN("ab\n"), to, 7), 6);
	ck_assert_str_eq(to, "ab\\x0a");
	ck_assert_uint_eq(span_clean(SPAN("a\0b"), to, sizeof(to)), 6);
	ck_assert_uint_eq(span_clean(SPAN("a"), to, 0), 0);
	ck_assert_uint_eq(span_quotable(SPAN("\"a\nb\""), to, sizeof(to)), 8);
	ck_assert_str_eq(to, "'a\\x0ab'");
	ck_assert_uint_eq(span_quotable(SPAN("\""), to, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("span");
	TCase *tests = tcase_create("span");
	tcase_add_test(tests, span_of_null_is_empty);
	tcase_add_test(tests, compares_with_and_without_case);
	tcase_add_test(tests, sees_eight_bits_at_every_place);
	tcase_add_test(tests, starts_and_ends);
	tcase_add_test(tests, skips_and_trims);
	tcase_add_test(tests, takes_fields);
	tcase_add_test(tests, takes_lines);
	tcase_add_test(tests, numbers_do_not_overflow);
	tcase_add_test(tests, copies_only_what_fits);
	tcase_add_test(tests, cleans_and_cuts);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
