#include <check.h>
#include <string.h>

#include "common/mail/header.h"
#include "t/unit/suite.h"

START_TEST(counts_received_in_pieces_of_any_size)
{
	static const struct {
		struct span text;
		unsigned received;
		bool done;
	} cases[] = {
		{SPAN("Received: a\r\n\tb\r\nRECEIVED : c\r\n\r\nReceived: body\r\n"), 2, true},
		{SPAN("Subject: x\r\n Received: folded\r\n\tReceived: folded\r\nreceived:\r\n\r\n"), 1, true},
		{SPAN("\r\nReceived: body\r\n"), 0, true},
		{SPAN("\nReceived: body\n"), 0, true},
		{SPAN("Received: a\nReceived: b\n\n"), 2, true},
		{SPAN("Received: a\r\n"), 1, false},
		{SPAN("X-Received: a\r\nReceived-SPF: b\r\nReceive: c\r\n"), 0, false},
		{SPAN("Received"), 0, false},
		{SPAN("Received\r\n: x\r\n"), 0, false},
		{SPAN(":\r\n: Received: \r\n"), 0, false},
		{SPAN("Received-and-much-longer: x\r\nReceived: a\r\n"), 1, false},
		{SPAN("\rReceived: x\r\n\r\n"), 0, true},
		{SPAN(""), 0, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step <= cases[i].text.len; step++) {
			struct header_scan s = {0};
			for (struct span rest = cases[i].text; rest.len; rest = span_skip(rest, step))
				header_scan_add(&s, (struct span){rest.at, rest.len < step ? rest.len : step});
			ck_assert_msg(s.received == cases[i].received, "%s: %u", cases[i].text.at, s.received);
			ck_assert_msg(s.done == cases[i].done, "%s", cases[i].text.at);
		}
	}
}
END_TEST

START_TEST(finds_values)
{
	static const char head[] =
		"Subject: first\r\nFROM :  a@b \r\nTo: x,\r\n\ty\r\n z \r\nEmpty:\r\nLast: l\r\n\r\nBody: b\r\n";
	static const struct {
		const char *name, *value;
	} cases[] = {
		{"subject", "first"}, {"From", "a@b"}, {"to", "x,\r\n\ty\r\n z"},
		{"Empty", ""},        {"last", "l"},   {"Body", NULL},
		{"Sub", NULL},        {"y", NULL},     {"", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span value;
		bool found = header_find(span_of(head), span_of(cases[i].name), &value);
		ck_assert_msg(found == (cases[i].value != NULL), "%s", cases[i].name);
		if (found)
			ck_assert_msg(span_equal(value, span_of(cases[i].value)), "%s: '%.*s'", cases[i].name,
				      SPAN_ARGS(value));
	}
	struct span value;
	ck_assert(header_find(SPAN("A: b"), SPAN("a"), &value));
	ck_assert(span_equal(value, SPAN("b")));
	ck_assert(header_find(SPAN("A: b\n c"), SPAN("a"), &value));
	ck_assert(span_equal(value, SPAN("b\n c")));
	ck_assert(!header_find(SPAN(""), SPAN("a"), &value));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("header");
	TCase *tests = tcase_create("header");
	tcase_add_test(tests, counts_received_in_pieces_of_any_size);
	tcase_add_test(tests, finds_values);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
