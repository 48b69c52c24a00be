#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/mail/envelope.h"
#include "t/unit/suite.h"

struct parsed {
	enum envelope_result result;
	struct envelope envelope;
	struct arena arena;
	const char *why;
};

static struct parsed parse(struct span text, bool whole)
{
	struct parsed p = {.why = ""};
	arena_init(&p.arena, 1 << 20);
	p.result = envelope_parse(text, whole, &p.arena, &p.envelope, &p.why);
	return p;
}

static const char message[] = "x-sender: a@example.com\r\nx-receiver: b@example.com\r\nx-receiver: \"c d\"@e\r\n"
			      "Received: from x\r\nx-receiver: not@envelope\r\n\r\nbody\r\n";

START_TEST(reads_the_envelope)
{
	struct parsed p = parse(span_of(message), true);
	ck_assert_msg(p.result == ENVELOPE_OK, "%s", p.why);
	ck_assert(span_equal(p.envelope.sender.text, SPAN("a@example.com")));
	ck_assert_uint_eq(p.envelope.rcpt_count, 2);
	ck_assert(span_equal(p.envelope.rcpts[0].domain, SPAN("example.com")));
	ck_assert(span_equal(p.envelope.rcpts[1].local, SPAN("\"c d\"")));
	ck_assert_ptr_eq(message + p.envelope.body_at, strstr(message, "Received:"));
	arena_free(&p.arena);
}
END_TEST

START_TEST(asks_for_more_until_the_end_is_certain)
{
	size_t decided = (size_t)(strstr(message, "Received:") - message) + 1;
	for (size_t len = 0; len < sizeof(message); len++) {
		char *exact = malloc(len + 1);
		memcpy(exact, message, len);
		struct parsed p = parse((struct span){exact, len}, false);
		ck_assert_msg(p.result == (len < decided ? ENVELOPE_MORE : ENVELOPE_OK), "%zu octets", len);
		if (p.result == ENVELOPE_OK)
			ck_assert_uint_eq(p.envelope.body_at, decided - 1);
		arena_free(&p.arena);
		free(exact);
	}
}
END_TEST

START_TEST(takes_other_hands)
{
	static const char *const cases[] = {
		"X-Sender: a@b\nX-RECEIVER: c@d\n\nbody\n",
		"x-receiver:c@d\r\nx-sender:a@b\r\n",
		"x-sender:\t<a@b> \r\nx-receiver: <c@d>\r\nSubject: x\r\n",
		"x-sender: a@b\nx-receiver: c@d\n",
		"x-sender: <>\r\nx-receiver: c@d\r\n\r\n",
		"x-sender: a@b\r\nx-receiver: c\r\n",
		"x-sender: a@b\r\nx-receiver: c@d\r\nx-sen: header\r\n",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p = parse(span_of(cases[i]), true);
		ck_assert_msg(p.result == ENVELOPE_OK, "%s: %s", cases[i], p.why);
		ck_assert_uint_eq(p.envelope.rcpt_count, 1);
		ck_assert(span_starts(p.envelope.rcpts[0].text, SPAN("c")));
		arena_free(&p.arena);
	}
}
END_TEST

START_TEST(refuses_and_says_why)
{
	static const struct {
		struct span text;
		const char *word;
	} cases[] = {
		{SPAN(""), "no x-sender"},
		{SPAN("Subject: x\r\n\r\nbody\r\n"), "no x-sender"},
		{SPAN("x-receiver: a@b\r\n\r\n"), "no x-sender"},
		{SPAN("x-sender: a@b\r\n\r\n"), "no x-receiver"},
		{SPAN("x-sender: a@b\r\nx-sender: c@d\r\nx-receiver: e@f\r\n"), "more than one"},
		{SPAN("x-sender: a@b\r\nx-receiver: \r\n"), "local part"},
		{SPAN("x-sender: a@b\r\nx-receiver: <>\r\n"), "no address"},
		{SPAN("x-sender: \r\nx-receiver: a@b\r\n"), "local part"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b, c@d\r\n"), "address"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b c@d\r\n"), "after the address"},
		{SPAN("x-sender: a@b\r\nx-receiver: ../../etc\0/x\r\n"), "local part"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b\rx-receiver: c@d\r\n"), "after the address"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b\r\nx-mailroot-dsn: x\r\n\r\n"), "unknown"},
		{SPAN("x-sender: a@b\r\nx-mailroot-notify: NEVER\r\nx-receiver: a@b\r\n"), "before its x-receiver"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b\r\nx-mailroot-notify: NEVER\r\nx-mailroot-notify: NEVER\r\n"),
		 "repeated"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b\r\nx-mailroot-notify: SOMETIMES\r\n"), "invalid"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b\r\nx-mailroot-orcpt: a@b\r\n"), "invalid"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b\r\nx-mailroot-ret: \r\n"), "invalid"},
		{SPAN("x-mailroot-envid: a\r\nx-mailroot-envid: a\r\nx-sender: a@b\r\nx-receiver: a@b\r\n"),
		 "repeated"},
		{SPAN("x-sender: a@b\r\nx-receiver: a@b\r\nx-mailroot-envid: a+0Ab\r\n"), "invalid"},
		{SPAN("x-mailroot-hold: a\r\nx-sender: a@b\r\nx-receiver: a@b\r\nx-mailroot-hold: a\r\n"), "repeated"},
		{SPAN("x-mailroot-hold: \r\nx-sender: a@b\r\nx-receiver: a@b\r\n"), "invalid"},
		{SPAN("x-mailroot-hold: a\x1b[m\r\nx-sender: a@b\r\nx-receiver: a@b\r\n"), "invalid"},
		{SPAN("x-mailroot-foreign: yes\r\nx-mailroot-foreign: yes\r\nx-sender: a@b\r\nx-receiver: a@b\r\n"),
		 "repeated"},
		{SPAN("x-mailroot-foreign: no\r\nx-sender: a@b\r\nx-receiver: a@b\r\n"), "invalid"},
		{SPAN("x-mailroot-hold: \xc3\xa4\r\nx-sender: a@b\r\nx-receiver: a@b\r\n"), "invalid"},
		{SPAN("X-MAILROOT-\r\nx-sender: a@b\r\nx-receiver: a@b\r\n"), "unknown"},
		{SPAN("x-sender: a@b\r\nx-receiver: user@exam"), "incomplete"},
		{SPAN("x-receiver: a@b\r\nx-sender: "), "incomplete"},
		{SPAN("\xef\xbb\xbfx-sender: a@b\r\nx-receiver: a@b\r\n"), "no x-sender"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p = parse(cases[i].text, true);
		ck_assert_msg(p.result == ENVELOPE_BAD, "%s", cases[i].text.at);
		ck_assert_msg(strstr(p.why, cases[i].word) != NULL, "%s: %s", cases[i].text.at, p.why);
		arena_free(&p.arena);
	}
}
END_TEST

static void fill(struct str *text, size_t rcpts)
{
	str_clear(text);
	envelope_write_sender(text, SPAN(""));
	for (size_t i = 0; i < rcpts; i++) {
		char rcpt[40];
		ck_assert(span_copy(SPAN("00000@example.com"), rcpt, sizeof(rcpt)));
		for (size_t digit = 5, rest = i; digit--; rest /= 10)
			rcpt[digit] = (char)('0' + rest % 10);
		envelope_write_rcpt(text, span_of(rcpt));
	}
	str_append_text(text, "Received: x\r\n");
}

START_TEST(takes_the_most_recipients_and_no_more)
{
	struct str text;
	str_init(&text, ENVELOPE_MAX);
	fill(&text, ENVELOPE_RCPT_MAX);
	struct parsed p = parse(str_span(&text), false);
	ck_assert_msg(p.result == ENVELOPE_OK, "%s", p.why);
	ck_assert_uint_eq(p.envelope.sender.text.len, 0);
	ck_assert_uint_eq(p.envelope.rcpt_count, ENVELOPE_RCPT_MAX);
	ck_assert(span_equal(p.envelope.rcpts[4999].local, SPAN("04999")));
	arena_free(&p.arena);
	fill(&text, ENVELOPE_RCPT_MAX + 1);
	p = parse(str_span(&text), false);
	ck_assert_int_eq(p.result, ENVELOPE_BAD);
	arena_free(&p.arena);
	str_free(&text);
}
END_TEST

START_TEST(long_lines_and_envelopes_are_refused_at_once)
{
	struct str text;
	str_init(&text, ENVELOPE_MAX);
	str_append_text(&text, "x-sender: ");
	while (text.len <= 1000)
		str_append_c(&text, 'a');
	struct parsed p = parse(str_span(&text), false);
	ck_assert_int_eq(p.result, ENVELOPE_BAD);
	arena_free(&p.arena);

	str_clear(&text);
	while (str_append_text(&text, "x-mailroot-a: b\r\n"))
		;
	p = parse(str_span(&text), false);
	ck_assert_int_eq(p.result, ENVELOPE_BAD);
	arena_free(&p.arena);
	str_free(&text);

	struct arena none;
	arena_init(&none, 10);
	struct envelope envelope;
	const char *why;
	ck_assert_int_eq(envelope_parse(span_of(message), true, &none, &envelope, &why), ENVELOPE_BAD);
	arena_free(&none);
}
END_TEST

START_TEST(what_was_asked_of_notices)
{
	static const char text[] = "x-sender: a@b\r\nx-mailroot-ret: HDRS\r\nx-mailroot-envid: Q+2B1\r\n"
				   "x-receiver: c@d\r\nx-receiver: e@f\r\nx-mailroot-notify: SUCCESS,DELAY\r\n"
				   "x-mailroot-orcpt: rfc822;E@f\r\nx-receiver: g@h\r\nx-mailroot-expanded: yes\r\n"
				   "Received: x\r\n";
	struct parsed p = parse(span_of(text), true);
	ck_assert_msg(p.result == ENVELOPE_OK, "%s", p.why);
	ck_assert_int_eq(p.envelope.dsn.ret, DSN_RET_HDRS);
	ck_assert(span_equal(p.envelope.dsn.envid, SPAN("Q+2B1")));
	ck_assert_uint_eq(p.envelope.rcpt_count, 3);
	ck_assert_uint_eq(envelope_notify(&p.envelope, 0) | envelope_notify(&p.envelope, 2), 0);
	ck_assert_uint_eq(envelope_notify(&p.envelope, 1), DSN_SUCCESS | DSN_DELAY);
	ck_assert(span_equal(p.envelope.dsn_rcpts[1].orcpt, SPAN("rfc822;E@f")));
	ck_assert(!envelope_expanded(&p.envelope, 1) && envelope_expanded(&p.envelope, 2));
	struct str again;
	str_init(&again, 1000);
	envelope_write_sender(&again, p.envelope.sender.text);
	envelope_write_dsn(&again, &p.envelope.dsn);
	for (size_t i = 0; i < 3; i++) {
		envelope_write_rcpt(&again, p.envelope.rcpts[i].text);
		envelope_write_dsn_rcpt(&again, &p.envelope.dsn_rcpts[i]);
	}
	ck_assert_uint_eq(again.len, p.envelope.body_at);
	ck_assert_int_eq(memcmp(text, again.at, again.len), 0);
	str_free(&again);
	arena_free(&p.arena);
	p = parse(SPAN("x-sender: a@b\r\nx-receiver: c@d\r\n"), true);
	ck_assert_ptr_null(p.envelope.dsn_rcpts);
	ck_assert_uint_eq(envelope_notify(&p.envelope, 0), 0);
	arena_free(&p.arena);
}
END_TEST

/* The reason comes from a filter: any text becomes one line that can be read back. */
START_TEST(mail_of_strangers_is_marked)
{
	struct str text;
	str_init(&text, 1000);
	envelope_write_sender(&text, SPAN("a@b"));
	for (int marked = 0; marked < 2; marked++) {
		if (marked)
			envelope_write_foreign(&text);
		envelope_write_rcpt(&text, SPAN("c@d"));
		struct parsed p = parse(str_span(&text), true);
		ck_assert_msg(p.result == ENVELOPE_OK, "%s", p.why);
		ck_assert(p.envelope.foreign == marked);
		arena_free(&p.arena);
	}
	str_free(&text);
}
END_TEST

START_TEST(any_reason_holds)
{
	char longer[2 * ENVELOPE_HOLD_MAX];
	memset(longer, 0xe3, sizeof(longer));
	const struct {
		struct span reason;
		const char *read;
	} rows[] = {
		{SPAN("virus found"), "virus found"},
		{SPAN(" Eicar: \"x\" %s "), "Eicar: \"x\" %s"},
		{SPAN("a\r\nx-receiver: b@c"), "a\\x0d\\x0ax-receiver: b@c"},
		{SPAN("\x1b[2J\0"), "\\x1b[2J\\x00"},
		{SPAN(""), "no reason was given"},
		{SPAN(" \t "), "no reason was given"},
		{{longer, sizeof(longer)}, NULL},
	};
	struct str text;
	str_init(&text, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		str_clear(&text);
		envelope_write_sender(&text, SPAN("a@b"));
		envelope_write_hold(&text, rows[i].reason);
		envelope_write_rcpt(&text, SPAN("c@d"));
		struct parsed p = parse(str_span(&text), true);
		ck_assert_msg(p.result == ENVELOPE_OK, "row %zu: %s", i, p.why);
		ck_assert_uint_eq(p.envelope.rcpt_count, 1);
		ck_assert_uint_le(p.envelope.hold.len, ENVELOPE_HOLD_MAX);
		if (rows[i].read)
			ck_assert_msg(span_equal(p.envelope.hold, span_of(rows[i].read)), "row %zu: %.*s", i,
				      SPAN_ARGS(p.envelope.hold));
		else
			ck_assert_uint_eq(p.envelope.hold.len, ENVELOPE_HOLD_MAX);
		arena_free(&p.arena);
	}
	str_free(&text);
	struct parsed p = parse(span_of(message), true);
	ck_assert_uint_eq(p.envelope.hold.len, 0);
	arena_free(&p.arena);
}
END_TEST

START_TEST(no_value_makes_a_second_line)
{
	static const struct span bad[] = {SPAN(""),     SPAN("a\nb"),  SPAN("a\rb"),
					  SPAN("a\0b"), SPAN("a\x7f"), SPAN("\xc3\xa4")};
	char longer[ADDRESS_MAX + 1];
	memset(longer, 'a', sizeof(longer));
	struct str text;
	str_init(&text, 10000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		str_clear(&text);
		envelope_write_rcpt(&text, bad[i]);
		ck_assert(text.failed);
		ck_assert_uint_eq(text.len, 0);
	}
	str_clear(&text);
	envelope_write_sender(&text, (struct span){longer, ADDRESS_MAX});
	ck_assert(!text.failed);
	envelope_write_sender(&text, (struct span){longer, ADDRESS_MAX + 1});
	ck_assert(text.failed);
	str_clear(&text);
	envelope_write_sender(&text, SPAN(""));
	envelope_write_rcpt(&text, SPAN("%s@b"));
	ck_assert_str_eq(str_text(&text), "x-sender: <>\r\nx-receiver: %s@b\r\n");
	str_free(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope");
	TCase *tests = tcase_create("envelope");
	tcase_add_test(tests, reads_the_envelope);
	tcase_add_test(tests, asks_for_more_until_the_end_is_certain);
	tcase_add_test(tests, takes_other_hands);
	tcase_add_test(tests, refuses_and_says_why);
	tcase_add_test(tests, takes_the_most_recipients_and_no_more);
	tcase_add_test(tests, long_lines_and_envelopes_are_refused_at_once);
	tcase_add_test(tests, what_was_asked_of_notices);
	tcase_add_test(tests, mail_of_strangers_is_marked);
	tcase_add_test(tests, any_reason_holds);
	tcase_add_test(tests, no_value_makes_a_second_line);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
