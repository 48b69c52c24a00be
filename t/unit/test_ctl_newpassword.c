/* Which passwords are accepted. t/system/test_users.py tests the dialogue, with a terminal. */
#include "ctl/newpassword.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TIMES_4(s)  s s s s
#define TIMES_16(s) TIMES_4(TIMES_4(s))
#define TIMES_64(s) TIMES_4(TIMES_16(s))

static char prepared[NEWPASSWORD_MAX + 1];
static bool shorter;
static const char *why;

static void ck_taken(struct span typed, const char *wanted, bool is_shorter)
{
	ck_assert_msg(newpassword_prepare(typed, prepared, &shorter, &why), "%.*s: %s", SPAN_ARGS(typed), why);
	ck_assert_str_eq(prepared, wanted);
	ck_assert_int_eq(shorter, is_shorter);
}

START_TEST(taken)
{
	ck_taken(SPAN("pencil"), "pencil", true);
	ck_taken(SPAN("sevensv"), "sevensv", true);
	ck_taken(SPAN("eighteig"), "eighteig", false);
	ck_taken(SPAN("s\xc3\xa4ven\xe2\x82\xacs"), "s\xc3\xa4ven\xe2\x82\xacs", true); /* characters, not octets */
	ck_taken(SPAN(" two  words "), " two  words ", false);
	ck_taken(SPAN(TIMES_64("xy")), TIMES_64("xy"), false);
	ck_taken(SPAN("*"), "*", true);
}
END_TEST

/* RFC 4013 3. */
START_TEST(prepared_as_the_rfc_says)
{
	ck_taken(SPAN("I\xc2\xadX"), "IX", true);
	ck_taken(SPAN("user"), "user", true);
	ck_taken(SPAN("USER"), "USER", true);
	ck_taken(SPAN("\xc2\xaa"), "a", true);
	ck_taken(SPAN("\xe2\x85\xa8"), "IX", true);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		struct span typed;
		const char *word;
	} cases[] = {
		{{"", 0}, "empty"},
		{{"\xc2\xad", 2}, "empty"},
		{{"\a", 1}, "not allowed in a password"},
		{{"\xd8\xa7\x31", 3}, "not allowed in a password"},
		{{"pass\0word", 9}, "not allowed in a password"},
		{{"pass\rword", 9}, "not allowed in a password"},
		{{"password\r", 9}, "not allowed in a password"},
		{{"\xff", 1}, "UTF-8"},
		{{"\xc3", 1}, "UTF-8"},
		{{"\xed\xa0\x80", 3}, "UTF-8"},
		{{TIMES_64("xy") "z", 129}, "128 octets"},
		{{TIMES_64("12345678") "z", 513}, "128 octets"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(!newpassword_prepare(cases[i].typed, prepared, &shorter, &why), "%zu", i);
		ck_assert_msg(strstr(why, cases[i].word) != NULL, "%zu: %s", i, why);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_newpassword");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, taken);
	tcase_add_test(tests, prepared_as_the_rfc_says);
	tcase_add_test(tests, refused);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
