/* Lower case of each octet, and of a text. */
#include "common/base/ascii.h"
#include "t/unit/suite.h"

#include <string.h>

START_TEST(letters_and_nothing_else)
{
	const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lower[] = "abcdefghijklmnopqrstuvwxyz";
	for (int octet = -128; octet < 128; octet++) {
		const char *letter = octet > 0 ? strchr(upper, octet) : NULL;
		ck_assert_int_eq(ascii_lower((char)octet), letter ? lower[letter - upper] : octet);
	}
}
END_TEST

START_TEST(a_text_in_place)
{
	char text[] = "MX-1.Example.COM \xc3\x84@[";
	ascii_lower_text(text);
	ck_assert_str_eq(text, "mx-1.example.com \xc3\x84@[");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ascii");
	TCase *tests = tcase_create("ascii");
	tcase_add_test(tests, letters_and_nothing_else);
	tcase_add_test(tests, a_text_in_place);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
