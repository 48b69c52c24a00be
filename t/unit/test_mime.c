#include "common/mail/mime.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(utf8_is_cut_between_characters)
{
	struct span text = SPAN("a\xc3\xa4\xe6\x97\xa5\xf0\x9f\x93\xa7z");
	static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
	for (size_t max = 0; max < sizeof(expected) / sizeof(expected[0]); max++)
		ck_assert_uint_eq(mime_utf8(text, max), expected[max]);
}
END_TEST

START_TEST(invalid_utf8_ends_the_text)
{
	static const struct span bad[] = {SPAN("ab\xff"),
					  SPAN("ab\xc3"),
					  SPAN("ab\xc3("),
					  SPAN("ab\xc0\xaf"),
					  SPAN("ab\xe0\x80\xaf"),
					  SPAN("ab\xed\xa0\x80"),
					  SPAN("ab\xf4\x90\x80\x80"),
					  SPAN("ab\xf0\x80\x80\x80"),
					  SPAN("ab\x80"),
					  SPAN("ab\xe6\x97"),
					  SPAN("ab\xf5\x80\x80\x80"),
					  SPAN("ab\xe6\x97(")};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_uint_eq(mime_utf8(bad[i], 100), 2);
}
END_TEST

START_TEST(words_are_of_75_octets_and_whole_characters)
{
	struct str text, in;
	str_init(&text, 10000);
	str_init(&in, 10000);
	mime_append_words(&text, SPAN("\xe6\x97\xa5"));
	ck_assert_str_eq(str_text(&text), "=?UTF-8?B?5pel?=");
	str_clear(&text);
	for (int i = 0; i < 100; i++)
		str_append_text(&in, "\xe6\x97\xa5");
	mime_append_words(&text, str_span(&in));
	struct span rest = str_span(&text), line;
	size_t lines = 0;
	for (; span_line(&rest, &line); lines++) {
		line = span_trim(line);
		ck_assert_uint_le(line.len, 75);
		ck_assert(span_starts(line, SPAN("=?UTF-8?B?")) && span_ends_nocase(line, SPAN("?=")));
		ck_assert_uint_eq((line.len - 12) % 4, 0);
	}
	ck_assert_uint_eq(lines, 7);
	str_free(&text);
	str_free(&in);
}
END_TEST

START_TEST(base64_in_lines)
{
	char octets[58] = {0};
	struct str text;
	str_init(&text, 1000);
	mime_append_base64(&text, (struct span){octets, 58});
	ck_assert_uint_eq(text.len, 76 + 2 + 4 + 2);
	ck_assert(span_ends_nocase(str_span(&text), SPAN("A\r\nAA==\r\n")));
	str_free(&text);
}
END_TEST

START_TEST(quoted)
{
	struct str text;
	char longer[201];
	str_init(&text, 10000);
	mime_append_quoted(&text, SPAN("a = b \r\n\xe9\0\t\n.\r\n"));
	ck_assert_str_eq(str_text(&text), "a =3D b=20\r\n=E9=00=09\r\n.\r\n");
	str_clear(&text);
	memset(longer, '=', 200);
	longer[200] = '\0';
	mime_append_quoted(&text, span_of(longer));
	struct span rest = str_span(&text), line;
	while (span_line(&rest, &line))
		ck_assert_uint_le(line.len, 76);
	ck_assert(mime_plain(str_span(&text)));
	str_free(&text);
}
END_TEST

START_TEST(plain_text_is_recognized)
{
	static const struct span bad[] = {SPAN("a\0"),  SPAN("\x80"), SPAN("\x7f"),
					  SPAN("a\rb"), SPAN("a\nb"), SPAN("a\r")};
	char line[1001];
	memset(line, 'a', sizeof(line));
	ck_assert(mime_plain(SPAN("")) && mime_plain(SPAN("a\r\nb\tc\r\n")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!mime_plain(bad[i]), "%zu", i);
	ck_assert(mime_plain((struct span){line, 998}) && !mime_plain((struct span){line, 999}));
	memcpy(line + 998, "\r\n", 2);
	ck_assert(mime_plain((struct span){line, 1000}));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mime");
	TCase *tests = tcase_create("mime");
	tcase_add_test(tests, utf8_is_cut_between_characters);
	tcase_add_test(tests, invalid_utf8_ends_the_text);
	tcase_add_test(tests, words_are_of_75_octets_and_whole_characters);
	tcase_add_test(tests, base64_in_lines);
	tcase_add_test(tests, quoted);
	tcase_add_test(tests, plain_text_is_recognized);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
