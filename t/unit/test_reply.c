#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/mail/reply.h"
#include "t/unit/suite.h"

/* Adds the lines of TEXT, which end in newlines, until one is refused. Returns the number of lines added. */
static unsigned add_lines(struct reply *r, const char *text)
{
	struct span rest = span_of(text);
	struct span line;
	unsigned taken = 0;
	while (span_line(&rest, &line) && reply_add_line(r, line))
		taken++;
	return taken;
}

START_TEST(reads_whole_replies)
{
	static const struct {
		const char *lines;
		unsigned count;
		int code;
		const char *enhanced, *text;
	} cases[] = {
		{"250 ok\n", 1, 250, "", "ok"},
		{"250\n", 1, 250, "", ""},
		{"250 \n", 1, 250, "", ""},
		{"220 host ESMTP\n", 1, 220, "", "host ESMTP"},
		{"550 5.1.1 no such user\n", 1, 550, "5.1.1", "no such user"},
		{"550-5.1.1 no\n550-5.1.2 such\n550 user\n", 3, 550, "5.1.2", "no such user"},
		{"553-\n553 a\n", 2, 553, "", "a"},
		{"250-a\n250-\n250 b\n", 3, 250, "", "a b"},
		{"550 4.1.1 class differs\n", 1, 550, "", "4.1.1 class differs"},
		{"354 go\n", 1, 354, "", "go"},
		{"451 4.3.0\n", 1, 451, "4.3.0", ""},
		{"599 a\tb\xff\x1b\x7f~\n", 1, 599, "", "a?b???~"},
		{"200  two\n", 1, 200, "", " two"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reply r = {0};
		char enhanced[ENHANCED_TEXT_MAX];
		ck_assert_msg(add_lines(&r, cases[i].lines) == cases[i].count, "%s", cases[i].lines);
		enhanced_format(r.enhanced, enhanced);
		ck_assert(r.complete);
		ck_assert_int_eq(r.code, cases[i].code);
		ck_assert_uint_eq(r.lines, cases[i].count);
		ck_assert_str_eq(enhanced, cases[i].enhanced);
		ck_assert_str_eq(r.text, cases[i].text);
		ck_assert_uint_eq(r.text_len, strlen(r.text));
	}
}
END_TEST

START_TEST(refuses_malformed_replies)
{
	static const struct {
		struct span line;
	} cases[] = {
		{SPAN("")},       {SPAN("25")},      {SPAN("2500")},  {SPAN("250x")},  {SPAN("250\tok")},
		{SPAN("250_ok")}, {SPAN("199 a")},   {SPAN("100 a")}, {SPAN("600 a")}, {SPAN("000 a")},
		{SPAN("abc d")},  {SPAN(" 250 ok")}, {SPAN("+50 a")}, {SPAN("2 50")},  {SPAN("25\0 a")},
		{SPAN("250\0")},  {SPAN("text")},    {SPAN("-50 a")},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reply r = {0};
		ck_assert_msg(!reply_add_line(&r, cases[i].line), "%s", cases[i].line.at);
		ck_assert_uint_eq(r.lines, 0);
	}
}
END_TEST

START_TEST(refuses_lines_that_do_not_belong)
{
	struct reply r = {0};
	ck_assert_uint_eq(add_lines(&r, "553-x\n553\ntext\n"), 2);
	ck_assert(r.complete);
	ck_assert_msg(!reply_add_line(&r, SPAN("553 more")), "nothing follows the last line");
	r = (struct reply){0};
	ck_assert_uint_eq(add_lines(&r, "250-2.1.0 a\n451 b\n"), 2);
	ck_assert_msg(r.complete && r.code == 451 && r.enhanced.class == 0, "the last line decides");
	r = (struct reply){0};
	ck_assert_uint_eq(add_lines(&r, "250-a\nb\n"), 1);
}
END_TEST

START_TEST(an_endless_reply_ends)
{
	struct reply r = {0};
	for (int i = 0; i < REPLY_LINES_MAX; i++)
		ck_assert(reply_add_line(&r, SPAN("250-0123456789")));
	ck_assert(!reply_add_line(&r, SPAN("250 end")));
	ck_assert(!r.complete);
	ck_assert_uint_eq(r.text_len, REPLY_TEXT_MAX);
	ck_assert_uint_eq(strlen(r.text), REPLY_TEXT_MAX);
}
END_TEST

START_TEST(strange_lines)
{
	struct reply r = {0};
	ck_assert(!reply_begun(&r));
	ck_assert(reply_add_strange(&r, SPAN("")));
	ck_assert(reply_begun(&r) && r.text_len == 0);
	ck_assert(reply_add_strange(&r, SPAN("debug\t1")));
	ck_assert(reply_add_line(&r, SPAN("250 ok")));
	ck_assert_str_eq(r.text, "debug?1 ok");
	ck_assert(r.lines == 1 && r.strange == 2 && r.code == 250 && r.complete);
	ck_assert_msg(!reply_add_strange(&r, SPAN("")), "nothing follows the last line");
	r = (struct reply){0};
	for (int i = 0; i < REPLY_LINES_MAX; i++)
		ck_assert(reply_add_strange(&r, SPAN("")));
	ck_assert(!reply_add_strange(&r, SPAN("")) && !reply_add_line(&r, SPAN("250 ok")));
}
END_TEST

START_TEST(long_lines_are_cut_and_longer_ones_refused)
{
	char line[REPLY_LINE_MAX + 1];
	memset(line, 'x', sizeof(line));
	memcpy(line, "250 ", 4);
	struct reply r = {0};
	ck_assert(!reply_add_line(&r, (struct span){line, REPLY_LINE_MAX + 1}));
	ck_assert(reply_add_line(&r, (struct span){line, REPLY_LINE_MAX}));
	ck_assert_uint_eq(r.text_len, REPLY_TEXT_MAX);
	ck_assert_uint_eq(strlen(r.text), REPLY_TEXT_MAX);
}
END_TEST

START_TEST(enhanced_codes_go_both_ways)
{
	static const char *const good[] = {"2.0.0", "4.7.28", "5.999.999", "5.0.10"};
	static const char *const bad[] = {"",       "2",        "2.0",      "2.0.",   "1.0.0",          "3.0.0",
					  "6.0.0",  "5.1000.0", "5.0.1000", "5.01.1", "5..1",           "5.1.1.1",
					  "5.1.1x", "05.1.1",   " 5.1.1",   "5.-1.1", "5.1.99999999999"};
	struct enhanced e;
	struct span rest;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[40];
		char again[ENHANCED_TEXT_MAX];
		snprintf(text, sizeof(text), "%s  rest", good[i]);
		ck_assert_msg(enhanced_parse(span_of(text), &e, &rest), "%s", good[i]);
		ck_assert(span_equal(rest, SPAN(" rest")));
		enhanced_format(e, again);
		ck_assert_str_eq(again, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!enhanced_parse(span_of(bad[i]), &e, &rest), "%s", bad[i]);
}
END_TEST

START_TEST(formatting_never_passes_its_bound)
{
	char text[ENHANCED_TEXT_MAX];
	enhanced_format((struct enhanced){255, 65535, 65535}, text);
	ck_assert_uint_lt(strlen(text), ENHANCED_TEXT_MAX);
	enhanced_format((struct enhanced){0, 1, 1}, text);
	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reply");
	TCase *tests = tcase_create("reply");
	tcase_add_test(tests, reads_whole_replies);
	tcase_add_test(tests, refuses_malformed_replies);
	tcase_add_test(tests, refuses_lines_that_do_not_belong);
	tcase_add_test(tests, an_endless_reply_ends);
	tcase_add_test(tests, strange_lines);
	tcase_add_test(tests, long_lines_are_cut_and_longer_ones_refused);
	tcase_add_test(tests, enhanced_codes_go_both_ways);
	tcase_add_test(tests, formatting_never_passes_its_bound);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
