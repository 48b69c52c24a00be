#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/pickup/stuffing.h"
#include "t/unit/suite.h"

static bool found(const char *text, size_t piece)
{
	struct stuffing s = {0};
	struct span rest = span_of(text);
	while (rest.len) {
		size_t len = rest.len < piece ? rest.len : piece;
		stuffing_look(&s, (struct span){rest.at, len});
		rest = span_skip(rest, len);
	}
	stuffing_look_end(&s);
	return stuffing_found(&s);
}

#define H "Subject: x\r\n\r\n"
static const struct {
	const char *text;
	bool stuffed;
} cases[] = {
	{"", false},
	{H "text\r\n", false},
	/* a single dot proves it */
	{H ".NET\r\n", false},
	{H ".\r\n", false},
	{H ".", false},
	{H "..NET\r\n.NET\r\n", false},
	/* stuffed */
	{H "..NET\r\n", true},
	{H "..\r\n", true},
	{H "..", true},
	{H "....\r\n", true},
	{H "....and so on\r\n", true},
	{H "a\r\n..</html>\r\n", true},
	/* not stuffed */
	{H "...\r\n", false},
	{H "...and so on\r\n", false},
	{H "../configure\r\n", false},
	{H "..\\bin\r\n", false},
	{H ".......\r\n", false},
	/* both: the more frequent one */
	{H "...\r\n..NET\r\n..profile\r\n", true},
	{H "...\r\n...\r\n..NET\r\n", false},
	{H "...\r\n..NET\r\n", false},
	/* a program that writes LF alone does not write for SMTP */
	{"Subject: x\n\n..NET\n", false},
	{"Subject: x\r\n\n..NET\r\n", false},
	/* dots elsewhere */
	{H "a ..b\r\n ..\r\n", false},
	{"..at the first octet\r\n", true},
};

START_TEST(guesses)
{
	for (size_t piece = 1; piece < 9; piece++)
		ck_assert_msg(found(cases[_i].text, piece) == cases[_i].stuffed, "%s in pieces of %zu", cases[_i].text,
			      piece);
}
END_TEST

START_TEST(removes_one_dot)
{
	static const char text[] = "..a\r\n.\r\n..\r\nb..\r\n...\r\n\r\n.c";
	static const char want[] = ".a\r\n\r\n.\r\nb..\r\n..\r\n\r\nc";
	char out[sizeof(text)];
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct unstuffing u = {0};
		size_t len = 0;
		for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
			size_t n = sizeof(text) - 1 - at < piece ? sizeof(text) - 1 - at : piece;
			len += unstuffing_take(&u, (struct span){text + at, n}, out + len);
		}
		ck_assert_uint_eq(len, sizeof(want) - 1);
		ck_assert_mem_eq(out, want, len);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stuffing");
	TCase *tcase = tcase_create("stuffing");
	tcase_add_loop_test(tcase, guesses, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, removes_one_dot);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
