#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/mail/fields.h"
#include "t/unit/suite.h"

static bool is(struct span s, const char *text)
{
	return span_equal(s, span_of(text));
}

START_TEST(takes_one_field_after_the_other)
{
	struct span head = SPAN("From: a@b\r\nSubject : two\r\n\tlines \r\nX-Empty:\r\nLast:x");
	struct field field;
	ck_assert(field_next(&head, &field) && field_is(&field, "FROM") && is(field.value, "a@b"));
	ck_assert(is(field.whole, "From: a@b\r\n"));
	ck_assert(field_next(&head, &field) && is(field.name, "Subject") && is(field.value, "two\r\n\tlines"));
	ck_assert(is(field.whole, "Subject : two\r\n\tlines \r\n"));
	ck_assert(field_next(&head, &field) && is(field.name, "X-Empty") && field.value.len == 0);
	ck_assert(field_next(&head, &field) && is(field.name, "Last") && is(field.value, "x"));
	ck_assert(!field_next(&head, &field) && head.len == 0);
}
END_TEST

START_TEST(stops_at_a_line_that_is_no_field)
{
	static const char *const others[] = {"\r\nFrom: x\r\n", "\nA: b\n",         "no colon here\r\n",
					     ": no name\r\n",   "two words: x\r\n", "N\x01me: x\r\n",
					     " folded\r\n",     "\xc3\xa9: x\r\n",  ""};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct span head = span_of(others[i]), before = head;
		struct field field;
		ck_assert_msg(!field_next(&head, &field), "%s", others[i]);
		ck_assert(head.at == before.at && head.len == before.len);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t end;
} ends[] = {
	{"A: b\r\nC: d\r\n\r\nbody: x\r\n", 12},
	{"A: b\n\n", 5},
	{"A: b\n \n\nbody", 7}, /* a line of spaces continues the field */
	{"A: b\nbody without a colon\n", 5},
	{"\r\nA: b\r\n", 0},
	{" A: b\r\n", 0},
	{"A: b\r\n", 6},
	{"A: b", 4},
	{"", 0},
};

START_TEST(finds_the_end_for_pieces_of_any_size)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct span text = span_of(ends[i].text);
		size_t at = 0;
		ck_assert(fields_end(text, true, &at));
		ck_assert_uint_eq(at, ends[i].end);
		at = 0;
		bool ended = false;
		for (size_t len = 0; len <= text.len && !ended; len++)
			ended = fields_end((struct span){text.at, len}, false, &at);
		if (!ended)
			ck_assert(fields_end(text, true, &at));
		ck_assert_uint_eq(at, ends[i].end);
	}
}
END_TEST

START_TEST(knows_the_preamble)
{
	static const struct {
		const char *text;
		size_t len;
		const char *fields;
	} cases[] = {
		{"To: x\r\n", 0, ""},
		{"\xEF\xBB\xBFTo: x\r\n", 3, ""},
		{"From joe Sun Nov 22 08:41:12 2026\r\nTo: x\r\n", 35,
		 "X-Mailbox-Line: From joe Sun Nov 22 08:41:12 2026\r\n"},
		{"\xEF\xBB\xBF>From a\n>>From b\nFrom c", 20,
		 "X-Mailbox-Line: >From a\r\nX-Mailbox-Line: >>From b\r\n"},
		{"From: joe\r\n", 0, ""},
		{"From : joe\r\n", 0, ""},
		{"From\r\n", 0, ""},
		{"\r\nFrom x\r\n", 0, ""},
		{"", 0, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str fields;
		str_init(&fields, 1000);
		ck_assert_uint_eq(fields_preamble(span_of(cases[i].text)), cases[i].len);
		fields_keep_preamble((struct span){cases[i].text, cases[i].len}, &fields);
		ck_assert_str_eq(str_text(&fields), cases[i].fields);
		str_free(&fields);
	}
}
END_TEST

START_TEST(finds_values)
{
	static const char head[] =
		"Subject: first\r\nFROM :  a@b \r\nTo: x,\r\n\ty\r\n z \r\nEmpty:\r\nLast: l\r\n\r\nBody: b\r\n";
	static const struct {
		const char *name, *value;
	} values[] = {
		{"subject", "first"}, {"From", "a@b"}, {"to", "x,\r\n\ty\r\n z"},
		{"Empty", ""},        {"last", "l"},   {"Body", NULL},
		{"Sub", NULL},        {"y", NULL},     {"", NULL},
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct span value;
		bool found = field_find(span_of(head), values[i].name, &value);
		ck_assert_msg(found == (values[i].value != NULL), "%s", values[i].name);
		ck_assert(!found || is(value, values[i].value));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fields");
	TCase *tcase = tcase_create("fields");
	tcase_add_test(tcase, takes_one_field_after_the_other);
	tcase_add_test(tcase, stops_at_a_line_that_is_no_field);
	tcase_add_test(tcase, finds_the_end_for_pieces_of_any_size);
	tcase_add_test(tcase, knows_the_preamble);
	tcase_add_test(tcase, finds_values);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
