#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/smtp/capabilities.h"
#include "t/unit/suite.h"

static struct capabilities parse(const char *text)
{
	struct capabilities c = {0};
	struct span rest = span_of(text), line;
	while (span_line(&rest, &line))
		capabilities_add(&c, line);
	return c;
}

START_TEST(keywords)
{
	struct capabilities c = parse("pipelining\nSIZE 35882577\n8BitMime \nAUTH LOGIN\nXFOO\n\n");
	ck_assert(c.pipelining && c.eight_bit && c.size);
	ck_assert_uint_eq(c.size_max, 35882577);
	c = parse("PIPELININGS\nX PIPELINING\n8BITMIME=yes\nSIZE=10\nSIZES 5\n");
	ck_assert(!c.pipelining && !c.eight_bit && !c.size);
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *line;
		bool size;
		uint64_t max;
	} cases[] = {
		{"SIZE", true, 0},
		{"SIZE 0", true, 0},
		{"SIZE 1", true, 1},
		{"size\t5", false, 0},
		{"SIZE  7 ", true, 7},
		{"SIZE -1", false, 0},
		{"SIZE 5 6", false, 0},
		{"SIZE 18446744073709551615", true, UINT64_MAX},
		{"SIZE 18446744073709551616", false, 0},
		{"SIZE 5\nSIZE 6", true, 6},
		{"SIZE 5\nSIZE x", true, 5},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capabilities c = parse(cases[i].line);
		ck_assert_msg(c.size == cases[i].size && c.size_max == cases[i].max, "%s", cases[i].line);
	}
}
END_TEST

static void expect_auth(const char *lines, const char *mechanisms)
{
	struct capabilities c = parse(lines);
	ck_assert_str_eq(c.auth, mechanisms);
	ck_assert_uint_eq(c.auth_len, strlen(mechanisms));
}

START_TEST(mechanisms)
{
	ck_assert(parse("starttls\n").starttls && !parse("STARTTLSX\nX STARTTLS\n").starttls);
	expect_auth("AUTH PLAIN LOGIN", "PLAIN LOGIN");
	expect_auth("auth plain\nAUTH=LOGIN  Plain scram-sha-256\n", "PLAIN LOGIN SCRAM-SHA-256");
	expect_auth("AUTH=LOGIN", "LOGIN");
	expect_auth("AUTH= LOGIN", "LOGIN");
	expect_auth("AUTH", "");
	expect_auth("AUTH=", "");
	expect_auth("AUTHX PLAIN\nAUTH\tPLAIN", "");
	expect_auth("AUTH PL\x01IN <PLAIN> P\xc3\x84IN 01234567890123456789 012345678901234567890",
		    "01234567890123456789");
}
END_TEST

/* A host that lists mechanisms without end fills its buffer and no more. */
START_TEST(mechanisms_are_bounded)
{
	struct capabilities c = {0};
	char line[64];
	for (int i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "AUTH MECHANISM-%d PLAIN", i);
		capabilities_add(&c, span_of(line));
		ck_assert_uint_lt(c.auth_len, sizeof(c.auth));
		ck_assert_uint_eq(strlen(c.auth), c.auth_len);
	}
	ck_assert(span_starts(span_of(c.auth), SPAN("MECHANISM-0 PLAIN MECHANISM-1 ")));
	ck_assert_uint_gt(c.auth_len, sizeof(c.auth) - 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capabilities");
	TCase *all = tcase_create("all");
	tcase_add_test(all, keywords);
	tcase_add_test(all, sizes);
	tcase_add_test(all, mechanisms);
	tcase_add_test(all, mechanisms_are_bounded);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
