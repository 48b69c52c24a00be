/* The octets of a notice: its parts, its form, and what stays within bounds. */
#include "delivery/local/notice.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/mail/mime.h"
#include "t/unit/notice_sample.h"
#include "t/unit/suite.h"

static struct notice_fact facts[4];
static struct notice notice;
static struct span to_a[] = {SPAN("a@example.com"), SPAN("ops@example.com")};
static struct notice_rcpts to_rcpts = {.at = to_a, .n = 1};

static void set_up_notice(struct span journal, struct span headers)
{
	notice_facts(journal, &envelope, facts);
	notice = (struct notice){.fqdn = "mail.example.com",
				 .postmaster = "postmaster@example.com",
				 .rcpts = &to_rcpts,
				 .id = span_of(notice_id),
				 .message_id = SPAN("00000000AAAAAAAAAAAAAAAA"),
				 .envelope = &envelope,
				 .facts = facts,
				 .until_ms = 1795258800000,
				 .headers = headers,
				 .octets = headers.len};
}

static void write_notice(struct span journal, struct span headers, struct str *to)
{
	set_up_notice(journal, headers);
	str_init(to, NOTICE_MAX);
	notice_write(&notice, to);
	ck_assert(!to->failed);
}

static bool holds(const struct str *text, const char *part)
{
	return strstr(str_text(text), part) != NULL;
}

/* 7 bits, CRLF, no line too long, and a readable envelope. */
static void check_form(struct span text, size_t rcpt_count)
{
	struct arena arena;
	struct envelope again;
	const char *why;
	arena_init(&arena, 1 << 20);
	ck_assert_int_eq(envelope_parse(text, true, &arena, &again, &why), ENVELOPE_OK);
	ck_assert_uint_eq(again.sender.text.len, 0);
	ck_assert_uint_eq(again.rcpt_count, rcpt_count);
	ck_assert(span_equal(again.rcpts[0].text, SPAN("a@example.com")));
	ck_assert(span_starts(span_skip(text, again.body_at), SPAN("Received: by mail.example.com ")));
	arena_free(&arena);
	ck_assert(mime_plain(text));
}

START_TEST(text_has_all_facts)
{
	struct str text;
	write_notice(SPAN(journal_text),
		     SPAN("Received: by us\r\n  for them\r\nSubject: Offer\r\nMessage-ID: <1@x>\r\n\r\nSECRET\r\n"),
		     &text);
	check_form(str_span(&text), 1);
	ck_assert(holds(&text, "\r\nFrom: Mail delivery <postmaster@example.com>\r\nTo: <a@example.com>\r\n"));
	ck_assert(holds(&text, "\r\nSubject: Undelivered: Offer\r\n"));
	ck_assert(holds(&text, "\r\nAuto-Submitted: auto-replied\r\n"));
	ck_assert(
		holds(&text, "\r\nMessage-ID: <00000000BBBBBBBBBBBBBBBB@mail.example.com>\r\nIn-Reply-To: <1@x>\r\n"));
	ck_assert(holds(&text, "  <b@example.net>\r\n\r\n    The server mx.example.net[192.0.2.1]:25 said:\r\n"
			       "    550 5.1.1 no such user here\r\n"));
	ck_assert(holds(&text, "typing mistake"));
	ck_assert(holds(&text, "  <e@example.net>\r\n\r\n    This server has tried for "));
	ck_assert(holds(&text, "gives up. The last attempt:"));
	ck_assert(holds(&text, "    451 4.3.0 later\r\n"));
	ck_assert(!holds(&text, "<c@example.net>") && !holds(&text, "<d@example.net>"));
	ck_assert(holds(&text, "\r\nMessage-ID: <1@x>\r\n"));
	ck_assert(holds(&text, "\r\nReceived: by us\r\n  for them\r\n"));
	ck_assert(!holds(&text, "SECRET"));
	str_free(&text);
}
END_TEST

START_TEST(report_for_programs)
{
	struct str text;
	write_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"), &text);
	ck_assert(holds(&text,
			"Content-Type: message/delivery-status\r\n\r\n"
			"Reporting-MTA: dns; mail.example.com\r\nOriginal-Envelope-Id: QQ 314\r\nArrival-Date: "));
	ck_assert(holds(&text, "\r\n\r\nOriginal-Recipient: rfc822;B+x@example.org\r\n"
			       "Final-Recipient: rfc822;b@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
			       "Remote-MTA: dns; mx.example.net\r\n"
			       "Diagnostic-Code: smtp; 550 5.1.1 no such user here\r\nLast-Attempt-Date: "));
	ck_assert(holds(&text, "\r\n\r\nFinal-Recipient: rfc822;e@example.net\r\nAction: failed\r\nStatus: 4.4.7\r\n"
			       "Remote-MTA: dns; mx.example.net\r\nDiagnostic-Code: smtp; 451 4.3.0 later\r\n"));
	ck_assert(!holds(&text, "Will-Retry-Until"));
	str_free(&text);
	write_notice(SPAN("2026-11-21T02:00:00Z 0 delayed 0 4.4.1 [192.0.2.9]:25 no route\n"
			  "2026-11-21T02:00:00Z 1 delayed 0 4.3.0 - drop folder /x: full\n"
			  "2026-11-21T02:00:00Z 2 delivered 0 2.0.0 - /secret/path.eml\n"),
		     SPAN("Subject: x\r\n\r\n"), &text);
	check_form(str_span(&text), 1);
	ck_assert(holds(&text, "\r\nSubject: Delayed: x\r\n"));
	ck_assert(holds(&text, "Remote-MTA: dns; [192.0.2.9]\r\nDiagnostic-Code: X-Mailroot; no route\r\n"));
	ck_assert(holds(&text, "Will-Retry-Until: "));
	ck_assert(holds(&text, "Action: delivered\r\nStatus: 2.0.0\r\nLast-Attempt-Date: "));
	ck_assert(!holds(&text, "/secret/"));
	str_free(&text);
}
END_TEST

/* The same facts give the same octets, so a notice that is written twice has one name. */
START_TEST(is_the_same_again)
{
	struct str a, b;
	write_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"), &a);
	write_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"), &b);
	ck_assert(span_equal(str_span(&a), str_span(&b)));
	str_free(&a);
	str_free(&b);
}
END_TEST

/* Hostile headers: control characters, 8 bits, long lines, no end, folded or double subject. */
START_TEST(hostile_headers)
{
	char headers[NOTICE_HEADERS_MAX];
	struct str text;
	memset(headers, '\xe9', sizeof(headers));
	memcpy(headers, "Subject: a\x1b[2J\tb\r\n c\r\nX: \x7f\x01\r\nY: ", 32);
	write_notice(SPAN(journal_text), (struct span){headers, sizeof(headers)}, &text);
	check_form(str_span(&text), 1);
	ck_assert(holds(&text, "\r\nSubject: Undelivered: a?[2J b c\r\n"));
	ck_assert(holds(&text, "quoted-printable\r\n\r\nSubject: a=1B[2J"));
	ck_assert_uint_lt(text.len, 8 * 1024);
	str_free(&text);
	write_notice(SPAN(journal_text), SPAN(""), &text);
	check_form(str_span(&text), 1);
	ck_assert(holds(&text, "\r\nSubject: Undelivered\r\n"));
	str_free(&text);
	write_notice(SPAN(journal_text), SPAN("Message-ID: <a b>\r\nSubject: \xe9\r\n"), &text);
	check_form(str_span(&text), 1);
	ck_assert(!holds(&text, "In-Reply-To") && holds(&text, "\r\nSubject: Undelivered\r\n"));
	str_free(&text);
}
END_TEST

START_TEST(subject_in_any_script)
{
	struct str text;
	write_notice(SPAN(journal_text), SPAN("Subject: \xe6\x97\xa5\xe6\x9c\xac\r\n\r\n"), &text);
	check_form(str_span(&text), 1);
	ck_assert(holds(&text, "\r\nSubject: Undelivered: =?UTF-8?B?5pel5pys?=\r\n"));
	ck_assert(holds(&text, "charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nVGhpcyBpcyB0aGUg"));
	str_free(&text);
	char words[400] = "Subject: ";
	while (strlen(words) < 350)
		strcat(words, "=?UTF-8?B?5pel5pys?= ");
	strcat(words, "\r\n");
	write_notice(SPAN(journal_text), span_of(words), &text);
	check_form(str_span(&text), 1);
	const char *cut = strstr(str_text(&text), "\r\nDate: ");
	ck_assert(cut && memcmp(cut - 2, "?=", 2) == 0);
	str_free(&text);
}
END_TEST

START_TEST(in_japanese)
{
	struct str text;
	set_up_notice(SPAN(journal_text), SPAN("Subject: Offer\r\n\r\n"));
	notice.language = CONFIG_LANGUAGE_JA;
	str_init(&text, NOTICE_MAX);
	notice_write(&notice, &text);
	check_form(str_span(&text), 1);
	ck_assert(holds(&text, "From: =?UTF-8?B?"));
	ck_assert(holds(&text, "Subject: =?UTF-8?B?44CQ6YWN5L+h5LiN6IO944CR?=\r\n Offer\r\n"));
	str_clear(&text);
	notice_write_human(&notice, &text);
	ck_assert(holds(&text, "mx.example.net[192.0.2.1]:25 \xe3\x81\xae"));
	ck_assert(holds(&text, "    550 5.1.1 no such user here\r\n"));
	ck_assert(!holds(&text, "$1") && !holds(&text, "$2"));
	ck_assert_uint_eq(mime_utf8(str_span(&text), text.len), text.len);
	str_free(&text);
}
END_TEST

/* Recipients that failed for the same reason share its text, even if they are not adjacent. */
START_TEST(groups)
{
	struct str text;
	write_notice(SPAN("2026-11-21T02:30:00Z 0 failed 550 5.7.1 mx[192.0.2.1]:25 spam\n"
			  "2026-11-21T02:30:00Z 2-3 failed 550 5.7.1 mx[192.0.2.1]:25 spam\n"
			  "2026-11-21T02:30:00Z 1 failed 550 5.1.1 mx[192.0.2.1]:25 who\n"),
		     SPAN(""), &text);
	check_form(str_span(&text), 1);
	const char *first = strstr(str_text(&text), "    550 5.7.1 spam");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "    550 5.7.1 spam"));
	ck_assert(holds(&text, "  <b@example.net>\r\n  <d@example.net>\r\n  <e@example.net>\r\n\r\n    The server mx"));
	ck_assert(holds(&text,
			"  <c@example.net>\r\n\r\n    The server mx[192.0.2.1]:25 said:\r\n    550 5.1.1 who\r\n"));
	str_free(&text);
}
END_TEST

/* The largest number of recipients, each with its own reason: the text has a part of the list, the report all of it. */
START_TEST(as_many_as_there_may_be)
{
	struct notice_fact *many = calloc(ENVELOPE_RCPT_MAX, sizeof(*many));
	struct dsn_rcpt *dsn = calloc(ENVELOPE_RCPT_MAX, sizeof(*dsn));
	struct address *to = calloc(ENVELOPE_RCPT_MAX, sizeof(*to));
	char address[ADDRESS_MAX], words[700], orcpt[DSN_ORCPT_MAX];
	memset(address, 'a', sizeof(address));
	memset(words, 'w', sizeof(words));
	memset(orcpt, 'o', sizeof(orcpt));
	memcpy(orcpt, "rfc822;", 7);
	set_up_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"));
	for (size_t i = 0; i < ENVELOPE_RCPT_MAX; i++) {
		many[i] = facts[0];
		many[i].line.text = (struct span){words, sizeof(words) - i % 500};
		dsn[i].orcpt = (struct span){orcpt, sizeof(orcpt)};
		to[i].text = (struct span){address, sizeof(address)};
	}
	struct envelope large = envelope;
	large.rcpts = to;
	large.rcpt_count = ENVELOPE_RCPT_MAX;
	large.dsn_rcpts = dsn;
	notice.envelope = &large;
	notice.facts = many;
	struct str text, human;
	str_init(&text, NOTICE_MAX);
	str_init(&human, NOTICE_MAX);
	notice_write(&notice, &text);
	notice_write_human(&notice, &human);
	check_form(str_span(&text), 1);
	ck_assert_uint_lt(human.len, NOTICE_HUMAN_MAX + 4096);
	ck_assert(holds(&human, "  ... and 4"));
	size_t found = 0;
	struct span rest = str_span(&text), line;
	while (span_line(&rest, &line))
		found += span_starts(line, SPAN("Final-Recipient:"));
	ck_assert_uint_eq(found, ENVELOPE_RCPT_MAX);
	str_free(&text);
	str_free(&human);
	free(many);
	free(dsn);
	free(to);
}
END_TEST

START_TEST(to_all_its_recipients)
{
	struct str text;
	to_rcpts.n = 2;
	write_notice(SPAN(journal_text), SPAN(""), &text);
	check_form(str_span(&text), 2);
	to_rcpts.n = 1;
	ck_assert(holds(&text, "x-receiver: ops@example.com\r\n"));
	ck_assert(holds(&text, "\r\nTo: <a@example.com>\r\n"));
	str_free(&text);
}
END_TEST

START_TEST(whole_message_when_asked_for)
{
	struct str text;
	str_init(&text, NOTICE_MAX);
	envelope.dsn.ret = DSN_RET_FULL;
	set_up_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"));
	ck_assert(notice_is_full(&notice));
	notice.octets = NOTICE_FULL_MAX;
	ck_assert(notice_is_full(&notice));
	notice.eight_bit = true;
	notice_write(&notice, &text);
	ck_assert(span_ends_nocase(str_span(&text),
				   SPAN("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")));
	str_clear(&text);
	notice_end(&notice, &text);
	ck_assert_str_eq(str_text(&text), "\r\n--=_00000000BBBBBBBBBBBBBBBB--\r\n");
	notice.octets = NOTICE_FULL_MAX + 1;
	ck_assert(!notice_is_full(&notice));
	set_up_notice(SPAN(DELAYED("01:00", "*")), SPAN("Subject: x\r\n\r\n"));
	ck_assert(!notice_is_full(&notice));
	envelope.dsn.ret = DSN_RET_HDRS;
	set_up_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"));
	ck_assert(!notice_is_full(&notice));
	envelope.dsn.ret = DSN_RET_UNSAID;
	str_free(&text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		text_has_all_facts,
		report_for_programs,
		is_the_same_again,
		hostile_headers,
		subject_in_any_script,
		in_japanese,
		groups,
		as_many_as_there_may_be,
		to_all_its_recipients,
		whole_message_when_asked_for,
	};
	return run_tests("notice", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
