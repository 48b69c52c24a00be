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

START_TEST(stops_at_what_is_no_field)
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
	{"A: b\n \n\nbody", 7}, /* a line of blanks goes on with the field */
	{"A: b\nbody without a colon\n", 5},
	{"\r\nA: b\r\n", 0},
	{" A: b\r\n", 0},
	{"A: b\r\n", 6},
	{"A: b", 4},
	{"", 0},
};

START_TEST(finds_the_end_whatever_comes_at_once)
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

int main(void)
{
	Suite *suite = suite_create("fields");
	TCase *tcase = tcase_create("fields");
	tcase_add_test(tcase, takes_one_field_after_the_other);
	tcase_add_test(tcase, stops_at_what_is_no_field);
	tcase_add_test(tcase, finds_the_end_whatever_comes_at_once);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
