#include "smtpd/accept/recipients.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct address parse(const char *text)
{
	struct address address;
	const char *why = "";
	ck_assert_msg(address_parse(span_of(text), &address, &why), "%s: %s", text, why);
	return address;
}

static enum recipients_result add(struct recipients *r, const char *text)
{
	struct address address = parse(text);
	return recipients_add(r, &address, &(struct dsn_rcpt){0});
}

START_TEST(test_once)
{
	struct recipients r;
	recipients_init(&r);
	ck_assert_int_eq(add(&r, "a@example.com"), RECIPIENTS_ADDED);
	ck_assert_int_eq(add(&r, "a@example.com"), RECIPIENTS_KNOWN);
	ck_assert_int_eq(add(&r, "a@EXAMPLE.com"), RECIPIENTS_KNOWN);
	ck_assert_int_eq(add(&r, "A@example.com"), RECIPIENTS_ADDED);
	ck_assert_int_eq(add(&r, "aa@example.com"), RECIPIENTS_ADDED);
	ck_assert_uint_eq(r.count, 3);
	ck_assert_str_eq(str_text(&r.lines),
			 "x-receiver: a@example.com\r\nx-receiver: A@example.com\r\nx-receiver: aa@example.com\r\n");
	recipients_free(&r);
}
END_TEST

START_TEST(test_reset)
{
	struct recipients r;
	struct address address = parse("a@example.com");
	recipients_init(&r);
	ck_assert(!recipients_known(&r, &address));
	add(&r, "a@example.com");
	ck_assert(recipients_known(&r, &address));
	recipients_reset(&r);
	ck_assert(!recipients_known(&r, &address));
	ck_assert_uint_eq(r.lines.len, 0);
	ck_assert_int_eq(add(&r, "a@example.com"), RECIPIENTS_ADDED);
	recipients_free(&r);
}
END_TEST

/* As many recipients as an envelope holds, each twice and of full length, and not one more; in two messages of a
 * session. */
START_TEST(test_full)
{
	struct recipients r;
	char text[ADDRESS_MAX + 1];
	recipients_init(&r);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2 * ENVELOPE_RCPT_MAX; i++) {
			snprintf(text, sizeof(text), "%064d@%063d.%063d.%063d.%063d", i / 2, 1, 2, 3, 4);
			enum recipients_result expected = i % 2 ? RECIPIENTS_KNOWN : RECIPIENTS_ADDED;
			ck_assert_int_eq(add(&r, text), expected);
		}
		ck_assert_uint_eq(r.count, ENVELOPE_RCPT_MAX);
		ck_assert_int_eq(add(&r, "one@too.many"), RECIPIENTS_NO_MEMORY);
		ck_assert_int_eq(add(&r, text), RECIPIENTS_KNOWN);
		recipients_reset(&r);
	}
	recipients_free(&r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_recipients");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_once);
	tcase_add_test(tcase, test_reset);
	tcase_add_test(tcase, test_full);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
