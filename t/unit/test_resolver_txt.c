/* The strings of TXT records, joined. */
#include "common/dns/txt.h"

#include <check.h>
#include <string.h>

#include "t/unit/suite.h"

START_TEST(strings_are_joined)
{
	struct str to;
	str_init(&to, 300);
	ck_assert(txt_join(SPAN("\3v=a\0\2bc"), &to));
	ck_assert_str_eq(str_text(&to), "v=abc");
	ck_assert(txt_join(SPAN(""), &to) && to.len == 5);
	str_free(&to);
}
END_TEST

START_TEST(malformed_and_long_records_are_refused)
{
	struct str to;
	str_init(&to, 4);
	ck_assert(!txt_join(SPAN("\4abc"), &to));
	ck_assert(!txt_join(SPAN("\3abc\1"), &to));
	ck_assert(!txt_join(SPAN("\5abcde"), &to));
	str_free(&to);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {strings_are_joined, malformed_and_long_records_are_refused};
	return run_tests("txt", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
