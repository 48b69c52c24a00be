/* Hostile text on its way to a terminal or into JSON, cut into pieces anywhere. */
#include "ctl/screen.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/table.h"
#include "t/unit/suite.h"

/* TEXT in pieces of STEP octets, as KIND shows it. The caller frees it. */
static char *shown(const char *text, size_t len, size_t step, enum screen_kind kind)
{
	char *out = NULL;
	size_t size;
	FILE *to = open_memstream(&out, &size);
	struct screen screen;
	screen_init(&screen, to, kind);
	for (size_t at = 0; at < len; at += step)
		screen_write(&screen, (struct span){text + at, len - at < step ? len - at : step});
	ck_assert(screen_end(&screen));
	fclose(to);
	return out;
}

static const struct {
	const char *text, *terminal, *json;
} cases[] = {
	{"plain\r\n\ttext\r\n", "plain\n\ttext\n", "{\"text\":\"plain\\r\\n\\ttext\\r\\n\"}\n"},
	{"caf\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x98\x80",
	 "{\"text\":\"caf\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x98\x80\"}\n"},
	{"\x1b[31m\x07\x7f", "\\x1B[31m\\x07\\x7F", "{\"text\":\"\\u001b[31m\\u0007\\u007f\"}\n"},
	{"\xc2\x9b"
	 "31m",
	 "\\xC2\\x9B31m", "{\"text\":\"\\u009b31m\"}\n"},
	{"\xe2\x80\xae\xe2\x81\xa6", "\\xE2\\x80\\xAE\\xE2\\x81\\xA6", "{\"text\":\"\xe2\x80\xae\xe2\x81\xa6\"}\n"},
	{"\xff\xc3", "\\xFF\\xC3", "{\"text\":\"\\ufffd\\ufffd\"}\n"},
	{"\xe7\xe7\x8c\xab\xe7\x8c", "\\xE7\xe7\x8c\xab\\xE7\\x8C",
	 "{\"text\":\"\\ufffd\xe7\x8c\xab\\ufffd\\ufffd\"}\n"},
	{"\xf0\x9f\x98x", "\\xF0\\x9F\\x98x", "{\"text\":\"\\ufffd\\ufffd\\ufffdx\"}\n"},
};

START_TEST(pieces_of_any_length_show_the_same)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);
		for (size_t step = 1; step <= len; step++) {
			char *terminal = shown(cases[i].text, len, step, SCREEN_TERMINAL);
			char *json = shown(cases[i].text, len, step, SCREEN_JSON);
			char *raw = shown(cases[i].text, len, step, SCREEN_AS_IS);
			ck_assert_str_eq(terminal, cases[i].terminal);
			ck_assert_str_eq(json, cases[i].json);
			ck_assert_str_eq(raw, cases[i].text);
			free(terminal);
			free(json);
			free(raw);
		}
	}
}
END_TEST

START_TEST(nothing_shows_nothing)
{
	char *json = shown("", 0, 1, SCREEN_JSON);
	ck_assert_str_eq(json, "");
	free(json);
}
END_TEST

START_TEST(tables_are_sorted_below_their_heading)
{
	static const char *const headings[] = {"ZZZ", "B"};
	struct table table;
	char *out = NULL;
	size_t size;
	table_init(&table, 2, 0, headings);
	for (const char *c = "cab"; *c; c++)
		table_add(&table, (struct span[]){{c, 1}, SPAN("\x1b[2J")});
	table_sort(&table);
	FILE *to = open_memstream(&out, &size);
	table_print(&table, 0, to);
	fclose(to);
	ck_assert_str_eq(out, "ZZZ  B\na    \\x1b[2J\nb    \\x1b[2J\nc    \\x1b[2J\n");
	free(out);
	table_free(&table);
}
END_TEST

START_TEST(octets_in_short)
{
	static const struct {
		const char *cell, *shown;
	} sizes[] = {{"0", "0"},          {"10239", "10239"}, {"10240", "10K"}, {"10485759", "10239K"},
		     {"10485760", "10M"}, {"x", "x"}};
	char to[TABLE_OCTETS_MAX];
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ck_assert(span_equal(table_octets(span_of(sizes[i].cell), to), span_of(sizes[i].shown)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("screen");
	TCase *tc = tcase_create("screen");

	tcase_add_test(tc, pieces_of_any_length_show_the_same);
	tcase_add_test(tc, nothing_shows_nothing);
	tcase_add_test(tc, tables_are_sorted_below_their_heading);
	tcase_add_test(tc, octets_in_short);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
