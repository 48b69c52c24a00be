#include <check.h>
#include <string.h>

#include "common/base/str.h"
#include "t/unit/suite.h"

START_TEST(appends_up_to_its_bound)
{
	struct str s;
	str_init(&s, 5);
	ck_assert_str_eq(str_text(&s), "");
	ck_assert(str_append_text(&s, "abc"));
	ck_assert(str_append_c(&s, 'd'));
	ck_assert(str_append(&s, SPAN("e")));
	ck_assert_str_eq(str_text(&s), "abcde");
	ck_assert(str_append(&s, SPAN("")));
	ck_assert(!str_append_c(&s, 'f'));
	ck_assert_str_eq(str_text(&s), "abcde");
	ck_assert(s.failed);
	str_free(&s);
}
END_TEST

START_TEST(failure_stays_until_clear)
{
	struct str s;
	str_init(&s, 2);
	ck_assert(!str_append_text(&s, "abc"));
	ck_assert_msg(!str_append_text(&s, "a"), "what fits must not be taken after a failure");
	ck_assert(!str_printf(&s, "a"));
	ck_assert(!str_append_clean(&s, SPAN("a")));
	ck_assert_uint_eq(s.len, 0);
	str_clear(&s);
	ck_assert(str_append_text(&s, "ab"));
	ck_assert_str_eq(str_text(&s), "ab");
	str_clear(&s);
	ck_assert_str_eq(str_text(&s), "");
	str_free(&s);
	ck_assert(str_append_text(&s, "ab"));
	ck_assert(!str_append_text(&s, "c"));
	str_free(&s);
}
END_TEST

START_TEST(grows_and_stays_terminated)
{
	struct str s;
	str_init(&s, 100000);
	for (size_t i = 0; i < 100000; i++) {
		ck_assert(str_append_c(&s, (char)('a' + i % 26)));
		ck_assert_int_eq(s.at[s.len], '\0');
	}
	ck_assert_uint_eq(str_span(&s).len, 100000);
	ck_assert_int_eq(s.at[99999], 'a' + 99999 % 26);
	ck_assert(!str_append_c(&s, 'x'));
	str_free(&s);
}
END_TEST

START_TEST(prints_all_or_nothing)
{
	struct str s;
	str_init(&s, 8);
	ck_assert(str_printf(&s, "%d-%s", 12, "ab"));
	ck_assert(str_printf(&s, "%s", "cde"));
	ck_assert_str_eq(str_text(&s), "12-abcde");
	ck_assert(!str_printf(&s, "%d", 1));
	ck_assert_str_eq(str_text(&s), "12-abcde");
	str_free(&s);
}
END_TEST

START_TEST(keeps_nul_octets)
{
	struct str s;
	str_init(&s, 8);
	ck_assert(str_append(&s, SPAN("a\0b")));
	ck_assert(span_equal(str_span(&s), SPAN("a\0b")));
	str_free(&s);
}
END_TEST

START_TEST(cleans_long_text_all_or_nothing)
{
	char text[200];
	memset(text, '\n', sizeof(text));
	struct str s;
	str_init(&s, 800);
	ck_assert(str_append_clean(&s, (struct span){text, sizeof(text)}));
	ck_assert_uint_eq(s.len, 800);
	for (size_t i = 0; i < s.len; i += 4)
		ck_assert_mem_eq(s.at + i, "\\x0a", 4);
	str_free(&s);
	str_init(&s, 800);
	str_append_c(&s, 'a');
	ck_assert(!str_append_clean(&s, (struct span){text, sizeof(text)}));
	ck_assert_str_eq(str_text(&s), "a");
	str_free(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("str");
	TCase *tests = tcase_create("str");
	tcase_add_test(tests, appends_up_to_its_bound);
	tcase_add_test(tests, failure_stays_until_clear);
	tcase_add_test(tests, grows_and_stays_terminated);
	tcase_add_test(tests, prints_all_or_nothing);
	tcase_add_test(tests, keeps_nul_octets);
	tcase_add_test(tests, cleans_long_text_all_or_nothing);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
