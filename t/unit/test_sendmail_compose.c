#include "sendmail/compose.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sendmail/caller.h"
#include "sendmail/failure.h"
#include "sendmail/text.h"
#include "t/unit/suite.h"

static struct compose c;
static const struct compose_defaults joe = {"joe", "Joe Doe", "Sun, 22 Nov 2026 08:41:12 +0000"};
static const struct dsn_rcpt quiet;

static void setup(void)
{
	c = (struct compose){0};
	str_init(&c.head, COMPOSE_HEAD_MAX);
}

static void teardown(void)
{
	str_free(&c.head);
}

static void expect_head(const char *head)
{
	ck_assert_str_eq(str_text(&c.head), head);
	str_clear(&c.head);
	c.rcpt_count = 0;
}

static void expect_why(enum compose_result got, enum compose_result want, const char *word)
{
	ck_assert_int_eq(got, want);
	ck_assert_msg(strstr(c.why, word) != NULL, "\"%s\" does not speak of %s", c.why, word);
}

START_TEST(senders)
{
	const struct dsn_message none = {0}, asks = {DSN_RET_HDRS, SPAN("x1")};
	static const char *const pairs[][2] = {
		{"joe", "joe"},
		{"joe@example.com", "joe@example.com"},
		{"<joe@example.com>", "joe@example.com"},
		{"Joe Doe <joe@example.com>", "joe@example.com"},
		{"", "<>"},
		{"<>", "<>"},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char want[100];
		snprintf(want, sizeof(want), "x-sender: %s\r\n", pairs[i][1]);
		ck_assert_int_eq(compose_sender(&c, pairs[i][0], &none), COMPOSE_OK);
		expect_head(want);
	}
	ck_assert_int_eq(compose_sender(&c, "a@b", &asks), COMPOSE_OK);
	expect_head("x-sender: a@b\r\nx-mailroot-ret: HDRS\r\nx-mailroot-envid: x1\r\n");
	expect_why(compose_sender(&c, "a b@c", &none), COMPOSE_BAD_ADDRESS, "a b@c");
	/* No line end passes. */
	expect_why(compose_sender(&c, "a@b\r\nx-receiver: evil@example.com", &none), COMPOSE_BAD_ADDRESS, "evil");
	expect_why(compose_recipients(&c, SPAN("b@x\nc: d@x"), &quiet), COMPOSE_BAD_ADDRESS, "b@x");
	ck_assert_uint_eq(c.head.len, 0);
	ck_assert_int_eq(compose_sender(&c, "Acme, Inc. <billing@example.com>", &none), COMPOSE_OK);
	expect_head("x-sender: billing@example.com\r\n");
}
END_TEST

/* Every error of a file, and the message for the caller: try again later, or what to correct. */
START_TEST(statuses)
{
	static const struct {
		int error, folder, config, input;
	} rows[] = {
		{EACCES, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT},       {EPERM, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT},
		{ENOENT, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT},       {ENOTDIR, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT},
		{ELOOP, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT},        {EISDIR, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT},
		{ENAMETOOLONG, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT}, {EBADF, EX_CANTCREAT, EX_CONFIG, EX_NOINPUT},
		{EIO, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},        {ENOMEM, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},
		{EMFILE, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},     {ENFILE, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},
		{ENOSPC, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},     {EDQUOT, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},
		{EROFS, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},      {ESTALE, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},
		{EINTR, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},      {EAGAIN, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},
		{ENOLCK, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},     {ENOBUFS, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},
		{ETIMEDOUT, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},  {EFBIG, EX_TEMPFAIL, EX_TEMPFAIL, EX_TEMPFAIL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(failure_status(FAILURE_FOLDER, -rows[i].error), rows[i].folder);
		ck_assert_int_eq(failure_status(FAILURE_CONFIG, -rows[i].error), rows[i].config);
		ck_assert_int_eq(failure_status(FAILURE_INPUT, -rows[i].error), rows[i].input);
	}
}
END_TEST

START_TEST(recipients_of_arguments)
{
	const struct dsn_rcpt never = {.notify = DSN_NEVER};

	ck_assert_int_eq(compose_recipients(&c, SPAN("root"), &quiet), COMPOSE_OK);
	ck_assert_int_eq(compose_recipients(&c, SPAN("a@b, \"C, D\" <c@d> (two)"), &never), COMPOSE_OK);
	ck_assert_uint_eq(c.rcpt_count, 3);
	expect_head("x-receiver: root\r\nx-receiver: a@b\r\nx-mailroot-notify: NEVER\r\nx-receiver: "
		    "c@d\r\nx-mailroot-notify: "
		    "NEVER\r\n");
	expect_why(compose_recipients(&c, SPAN("two words"), &quiet), COMPOSE_BAD_ADDRESS, "two words");
	expect_why(compose_recipients(&c, SPAN("<>"), &quiet), COMPOSE_BAD_ADDRESS, "<>");
	expect_why(compose_recipients(&c, SPAN("a@b\001\"x"), &quiet), COMPOSE_BAD_ADDRESS, "\\x01'x");
}
END_TEST

START_TEST(five_thousand_recipients_at_most)
{
	for (int i = 0; i < ENVELOPE_RCPT_MAX; i++)
		ck_assert_int_eq(compose_recipients(&c, SPAN("a@example.com"), &quiet), COMPOSE_OK);
	expect_why(compose_recipients(&c, SPAN("a@example.com"), &quiet), COMPOSE_TOO_LONG, "5000");
}
END_TEST

START_TEST(recipients_of_the_header)
{
	ck_assert_int_eq(compose_from_header(
				 &c, SPAN("Subject: to: x@y\r\nTo: a@b,\r\n c@d\r\nCC: e@f\r\nbcc: g@h\r\n"), &quiet),
			 COMPOSE_OK);
	expect_head("x-receiver: a@b\r\nx-receiver: c@d\r\nx-receiver: e@f\r\nx-receiver: g@h\r\n");
	/* Resent: only to the recipients of the topmost block. */
	ck_assert_int_eq(
		compose_from_header(&c,
				    SPAN("Received: x\r\nResent-From: j@x\r\nResent-To: n@x\r\nResent-Bcc: m@x\r\n"
					 "Resent-To: old@x\r\nTo: first@x\r\n"),
				    &quiet),
		COMPOSE_OK);
	expect_head("x-receiver: n@x\r\nx-receiver: m@x\r\n");
	/* A Resent-Date alone does not make a resent message. */
	ck_assert_int_eq(compose_from_header(&c, SPAN("Resent-Date: x\r\nTo: a@b\r\n"), &quiet), COMPOSE_OK);
	expect_head("x-receiver: a@b\r\n");
	expect_why(compose_from_header(&c, SPAN("Subject: x\r\n"), &quiet), COMPOSE_NO_RECIPIENT, "recipient");
	expect_why(compose_from_header(&c, SPAN("To: undisclosed-recipients:;\r\n"), &quiet), COMPOSE_NO_RECIPIENT,
		   "recipient");
	expect_why(compose_from_header(&c, SPAN("To: a b c\r\n"), &quiet), COMPOSE_BAD_ADDRESS, "a b c");
}
END_TEST

START_TEST(headers_are_completed)
{
	ck_assert_int_eq(compose_header(&c, SPAN("Subject: x\r\n"), &joe), COMPOSE_OK);
	expect_head("Date: Sun, 22 Nov 2026 08:41:12 +0000\r\nFrom: \"Joe Doe\" <joe>\r\nSubject: x\r\n\r\n");
	ck_assert_int_eq(compose_header(&c,
					SPAN("from: a\r\nDATE: b\r\nBcc: s@x,\r\n t@x\r\nTo: c\r\nResent-Bcc: u@x\r\n"),
					&joe),
			 COMPOSE_OK);
	expect_head("from: a\r\nDATE: b\r\nTo: c\r\n\r\n");
}
END_TEST

/* Fields that a program writes are never read as the envelope. */
START_TEST(no_field_of_a_message_is_envelope)
{
	struct envelope envelope;
	struct arena arena;
	const char *why;
	const struct dsn_message none = {0};

	arena_init(&arena, 1 << 20);
	ck_assert_int_eq(compose_sender(&c, "joe", &none), COMPOSE_OK);
	ck_assert_int_eq(compose_recipients(&c, SPAN("a@b"), &quiet), COMPOSE_OK);
	ck_assert_int_eq(compose_header(&c,
					SPAN("X-Sender: evil\r\nx-receiver: evil@x\r\nX-Mailroot-Anything: 1\r\n"
					     "From: a\r\nDate: b\r\nX-Receiver: c\r\n"),
					&joe),
			 COMPOSE_OK);
	ck_assert_int_eq(envelope_parse(str_span(&c.head), true, &arena, &envelope, &why), ENVELOPE_OK);
	ck_assert_uint_eq(envelope.rcpt_count, 1);
	const char *message = str_text(&c.head) + envelope.body_at;
	ck_assert_str_eq(message,
			 "From: a\r\nDate: b\r\nX-Sender: evil\r\nx-receiver: evil@x\r\nX-Mailroot-Anything: 1\r\n"
			 "X-Receiver: c\r\n\r\n");
	arena_free(&arena);
}
END_TEST

START_TEST(full_names)
{
	static const char *const pairs[][2] = {
		{"", "joe"},
		{"  ", "joe"},
		{"Joe", "\"Joe\" <joe>"},
		{"J \"the\\\" D", "\"J \\\"the\\\\\\\" D\" <joe>"},
		{"Gr\xc3\xbcn", "=?UTF-8?B?R3LDvG4=?= <joe>"},
		{"a\r\nBcc: evil@x", "=?UTF-8?B?YQ0KQmNjOiBldmlsQHg=?= <joe>"},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char want[200];
		const struct compose_defaults defaults = {"joe", pairs[i][0], "d"};
		snprintf(want, sizeof(want), "Date: d\r\nFrom: %s\r\n\r\n", pairs[i][1]);
		ck_assert_int_eq(compose_header(&c, (struct span){0}, &defaults), COMPOSE_OK);
		expect_head(want);
	}
	const struct compose_defaults odd = {"a..b@c", "Joe", "d"};
	ck_assert_int_eq(compose_header(&c, (struct span){0}, &odd), COMPOSE_OK);
	expect_head("Date: d\r\nFrom: \"Joe\" <\"a..b\"@c>\r\n\r\n");
}
END_TEST

START_TEST(callers)
{
	static char longest[ADDRESS_LOCAL_MAX + 2];
	struct caller caller;

	ck_assert(caller_describe("joe", "Joe Doe,Room 1,,", &caller));
	ck_assert_str_eq(caller.address, "joe");
	ck_assert_str_eq(caller.name, "Joe Doe");
	ck_assert(caller_describe("joe", "& of &\ttoo", &caller));
	ck_assert_str_eq(caller.name, "Joe of Joetoo");
	ck_assert(caller_describe("EXAMPLE\\joe", NULL, &caller));
	ck_assert_str_eq(caller.address, "\"EXAMPLE\\\\joe\"");
	ck_assert_str_eq(caller.name, "");
	ck_assert(!caller_describe("gr\xc3\xbcn", NULL, &caller));
	memset(longest, 'x', ADDRESS_LOCAL_MAX);
	ck_assert(caller_describe(longest, NULL, &caller));
	longest[ADDRESS_LOCAL_MAX] = 'x';
	ck_assert(!caller_describe(longest, NULL, &caller));
}
END_TEST

/* The result for IN, in one piece and octet by octet. */
static void expect_text(enum text_dots dots, const char *in, const char *want, bool ended)
{
	size_t steps[] = {1, 2, 100};
	for (size_t i = 0; i < 3; i++) {
		size_t step = steps[i];
		struct text_reader r = {.dots = dots};
		char out[200];
		size_t len = 0, made;
		for (size_t at = 0; at < strlen(in) && !r.ended; at += step) {
			size_t n = strlen(in) - at < step ? strlen(in) - at : step;
			text_read(&r, (struct span){in + at, n}, out + len, &made);
			len += made;
		}
		len += text_end(&r, out + len);
		out[len] = '\0';
		ck_assert_str_eq(out, want);
		ck_assert(r.ended == ended);
	}
}

START_TEST(texts)
{
	expect_text(TEXT_DOTS_PLAIN, "a\n.\nb", "a\r\n.\r\nb\r\n", false);
	expect_text(TEXT_DOTS_END, "a\n.\nb", "a\r\n", true);
	expect_text(TEXT_DOTS_END, "a\r\n.\r\nb", "a\r\n", true);
	expect_text(TEXT_DOTS_END, "..\n.a\n. \n", "..\r\n.a\r\n. \r\n", false);
	expect_text(TEXT_DOTS_SMTP, "..\n.a\n...\n.\n", ".\r\na\r\n..\r\n", true);
	expect_text(TEXT_DOTS_END, "a\n.", "a\r\n", false);
	expect_text(TEXT_DOTS_END, ".", "", false);
	expect_text(TEXT_DOTS_END, ".\n", "", true);
	expect_text(TEXT_DOTS_END, ".\rb\n", ".\r\nb\r\n", false);
	expect_text(TEXT_DOTS_END, "a\rb\r\rc\r", "a\r\nb\r\n\r\nc\r\n", false);
	expect_text(TEXT_DOTS_END, "a\r.\n", "a\r\n.\r\n", false);
	expect_text(TEXT_DOTS_END, "a\r\r\nb\r\r\r\n", "a\r\nb\r\n", false);
	expect_text(TEXT_DOTS_END, "a\r\r\r\r\r\nb\r\r", "a\r\n\r\nb\r\n\r\n", false);
	expect_text(TEXT_DOTS_END, ".\r\rb\n", ".\r\n\r\nb\r\n", false);
	expect_text(TEXT_DOTS_SMTP, "..\r\r\n.\r\r\nb", ".\r\n", true);
	expect_text(TEXT_DOTS_END, "\n\n", "\r\n\r\n", false);
	expect_text(TEXT_DOTS_END, "", "", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sendmail compose");
	TCase *tc = tcase_create("all");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, senders);
	tcase_add_test(tc, statuses);
	tcase_add_test(tc, recipients_of_arguments);
	tcase_add_test(tc, five_thousand_recipients_at_most);
	tcase_add_test(tc, recipients_of_the_header);
	tcase_add_test(tc, headers_are_completed);
	tcase_add_test(tc, no_field_of_a_message_is_envelope);
	tcase_add_test(tc, full_names);
	tcase_add_test(tc, callers);
	tcase_add_test(tc, texts);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
