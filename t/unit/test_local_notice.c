#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "common/mail/mime.h"
#include "common/mail/msgid.h"
#include "delivery/local/local.h"
#include "delivery/local/notice.h"
#include "delivery/local/notice_words.h"
#include "t/unit/suite.h"

static const char notice_id[] = "00000000BBBBBBBBBBBBBBBB";

static const char journal_text[] =
	"2026-11-21T01:00:00Z 0-3 delayed 451 4.3.0 mx.example.net[192.0.2.1]:25 later\n"
	"2026-11-21T02:00:00Z 0-1 failed 550 5.1.1 mx.example.net[192.0.2.1]:25 no such user here\n"
	"2026-11-21T02:00:00Z 2 delivered 250 2.0.0 mx.example.net[192.0.2.1]:25 ok\n"
	"not a line of ours\n"
	"2026-11-21T02:00:00Z 3-4000000 failed 0 4.4.7 - expired after 2d; last: and so on\n"
	"2026-11-21T02:30:00Z 1 noticed 0 - - 00000000CCCCCCCCCCCCCCCC\n"
	"2026-11-21T02:30:00Z 2 failed 550 5.1.1 mx.example.net[192.0.2.1]:25 torn";

START_TEST(folds_the_journal)
{
	struct notice_fact f[5];
	ck_assert_uint_eq(notice_facts(SPAN(journal_text), f, 5), 3);
	ck_assert_int_eq(f[0].action, NOTICE_FAILED);
	ck_assert_int_eq(f[1].action, NOTICE_NOTHING);
	ck_assert_int_eq(f[2].action, NOTICE_NOTHING);
	ck_assert(span_equal(f[0].line.text, SPAN("no such user here")) && !f[0].expired);
	/* Expired: the last reply of a host is more useful than the fact that we gave up. The other recipient was
	 * never tried. */
	ck_assert(f[3].action == NOTICE_FAILED && f[3].expired && f[4].action == NOTICE_FAILED && !f[4].expired);
	ck_assert(span_equal(notice_cause(&f[3])->text, SPAN("later")));
	ck_assert_uint_eq(notice_facts(SPAN(""), f, 5), 0);
	ck_assert_uint_eq(notice_facts(SPAN("2026-11-21T02:30:00Z * failed 0 4.4.7 - old\n"), f, 5), 5);
	ck_assert_uint_eq(notice_facts(SPAN("2026-11-21T02:30:00Z * failed 0 4.4.7 - old\n"
					    "2026-11-21T02:30:00Z 2-3 deleted 0 - - by an operator\n"),
				       f, 5),
			  3);
}
END_TEST

#define DELAYED(time, who) "2026-11-21T" time ":00Z " who " delayed 451 4.3.0 mx[192.0.2.1]:25 later\n"

START_TEST(every_action)
{
	static const char text[] =
		DELAYED("01:00", "*") "2026-11-21T02:00:00Z 0 delivered 0 2.0.0 - /drop/x.eml\n"
				      "2026-11-21T02:00:00Z 1 relayed 250 2.0.0 mx[192.0.2.1]:25 ok\n"
				      "2026-11-21T02:00:00Z 2 warned 0 - - 00000000CCCCCCCCCCCCCCCC\n";
	static const enum notice_action expected[] = {NOTICE_DELIVERED, NOTICE_RELAYED, NOTICE_NOTHING, NOTICE_DELAYED};
	struct notice_fact f[4];
	ck_assert_uint_eq(notice_facts(SPAN(text), f, 4), 3);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(f[i].action, expected[i]);
	ck_assert_str_eq(notice_action_name(f[1].action), "relayed");
}
END_TEST

/* A sender that got a notice of delay gets no second one, but one of the failure. Mail from badmail begins anew. */
START_TEST(a_delay_is_told_once)
{
	struct notice_fact f[2];
	static const char again[] =
		DELAYED("01:00", "*") "2026-11-21T02:00:00Z * warned 0 - - X\n" DELAYED("03:00", "*");
	ck_assert_uint_eq(notice_facts(SPAN(again), f, 2), 0);
	static const char failed[] = DELAYED("01:00", "*") "2026-11-21T02:00:00Z 0 warned 0 - - X\n"
							   "2026-11-21T03:00:00Z 0 failed 0 4.4.7 - expired\n";
	ck_assert_uint_eq(notice_facts(SPAN(failed), f, 2), 2);
	ck_assert(f[0].action == NOTICE_FAILED && f[0].expired && f[1].action == NOTICE_DELAYED);
	static const char resent[] = "2026-11-21T03:00:00Z 0 failed 0 4.4.7 - expired\n"
				     "2026-11-21T04:00:00Z * resent 0 - - by an operator\n";
	ck_assert_uint_eq(notice_facts(SPAN(resent), f, 2), 0);
}
END_TEST

static const char *advice(enum config_language language, int code, struct enhanced enhanced, const char *text)
{
	const struct journal_line cause = {.code = code, .enhanced = enhanced, .text = span_of(text)};
	return notice_advice(language, &cause);
}

/* What a provider has against our mailbox is known by its words: the codes say something else elsewhere. */
START_TEST(advice_by_words)
{
	static const struct {
		int code;
		struct enhanced enhanced;
		const char *text, *english, *japanese;
	} cases[] = {
		{554,
		 {5, 2, 252},
		 "SendAsDenied; a@x.test not allowed to send as b@x.test",
		 "another sender",
		 "差出人"},
		{550,
		 {5, 7, 60},
		 "SMTP; Client does not have permissions to send as this sender",
		 "another sender",
		 "差出人"},
		{554,
		 {5, 2, 0},
		 "STOREDRV.Submission.Exception:SubmissionQuotaExceededException; x",
		 "tomorrow",
		 "一日"},
		{554, {5, 2, 270}, "too large", "too large", "大きすぎ"},
		{554, {5, 2, 252}, "something else", "The mailbox accepts no mail", "受け取れません"},
		{550, {5, 7, 30}, "REQUIRETLS needed", "a rule of its own", "規則"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *english = advice(CONFIG_LANGUAGE_EN, cases[i].code, cases[i].enhanced, cases[i].text);
		const char *japanese = advice(CONFIG_LANGUAGE_JA, cases[i].code, cases[i].enhanced, cases[i].text);
		ck_assert_msg(strstr(english, cases[i].english) != NULL, "%zu: %s", i, english);
		ck_assert_msg(strstr(japanese, cases[i].japanese) != NULL, "%zu: %s", i, japanese);
	}
}
END_TEST

START_TEST(each_language_has_all_texts)
{
	static const struct enhanced statuses[] = {{5, 0, 0}, {5, 1, 0}, {5, 2, 0}, {5, 3, 0}, {5, 4, 0},
						   {5, 5, 0}, {5, 6, 0}, {5, 7, 0}, {5, 3, 4}, {5, 7, 8}};
	enum config_language language = (enum config_language)_i;
	for (enum notice_words words = 0; words < WORDS_COUNT; words++)
		ck_assert_msg(*notice_words(language, words), "words %d", words);
	for (enum notice_action action = NOTICE_NOTHING + 1; action < NOTICE_ACTION_COUNT; action++) {
		ck_assert(notice_subject(language, action) && *notice_subject(language, action));
		ck_assert(notice_heading(language, action) && *notice_heading(language, action));
	}
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		ck_assert(*advice(language, 550, statuses[i], ""));
}
END_TEST

/* If a host requires authentication from us, the system of the recipient is not at fault. */
START_TEST(advice_where_we_lack_a_password)
{
	for (enum config_language language = 0; language < CONFIG_LANGUAGE_COUNT; language++)
		ck_assert_str_ne(advice(language, 535, (struct enhanced){5, 7, 8}, ""),
				 advice(language, 535, (struct enhanced){5, 7, 1}, ""));
	ck_assert_ptr_nonnull(
		strstr(advice(CONFIG_LANGUAGE_EN, 535, (struct enhanced){4, 7, 8}, ""), "Tell postmaster"));
}
END_TEST

/* The class of the status is that of the action, whatever the host said; an expired message has 4.4.7. */
START_TEST(status_fits_the_action)
{
	static const struct {
		const char *line, *status;
	} cases[] = {
		{"0 failed 550 5.1.1 mx[1.2.3.4]:25 x", "5.1.1"},
		{"0 failed 550 - mx[1.2.3.4]:25 x", "5.0.0"},
		{"0 failed 0 4.4.7 - x", "4.4.7"},
		{"0 failed 550 2.0.0 mx[1.2.3.4]:25 x", "5.0.0"},
		{"0 delayed 451 5.7.1 mx[1.2.3.4]:25 x", "4.0.0"},
		{"0 delayed 0 4.4.1 mx[1.2.3.4]:25 x", "4.4.1"},
		{"0 relayed 250 - mx[1.2.3.4]:25 x", "2.0.0"},
		{"0 delivered 0 2.1.5 - x", "2.1.5"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200], status[ENHANCED_TEXT_MAX];
		struct notice_fact fact;
		snprintf(text, sizeof(text), "2026-11-21T02:00:00Z %s\n", cases[i].line);
		ck_assert_uint_eq(notice_facts(span_of(text), &fact, 1), 1);
		enhanced_format(notice_status(&fact), status);
		ck_assert_str_eq(status, cases[i].status);
	}
}
END_TEST

static struct address rcpts[4] = {{.text = SPAN("b@example.net")},
				  {.text = SPAN("c@example.net")},
				  {.text = SPAN("d@example.net")},
				  {.text = SPAN("e@example.net")}};
static struct dsn_rcpt dsn_rcpts[4] = {{DSN_FAILURE, SPAN("rfc822;B+2Bx@example.org")}};
static struct envelope envelope = {.sender = {.text = SPAN("a@example.com")},
				   .rcpts = rcpts,
				   .rcpt_count = 4,
				   .body_at = 6,
				   .dsn = {.envid = SPAN("QQ+20314")},
				   .dsn_rcpts = dsn_rcpts};
static struct notice_fact facts[4];
static struct notice notice;

static void set_up_notice(struct span journal, struct span headers)
{
	notice_facts(journal, facts, 4);
	notice = (struct notice){.fqdn = "mail.example.com",
				 .postmaster = "postmaster@example.com",
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

START_TEST(copies_of_failures_only)
{
	const char *addresses[] = {"ops@example.com", "A@example.com", "it@example.com"};
	struct config_words copies = {addresses, 3};
	struct str text;
	str_init(&text, NOTICE_MAX);
	set_up_notice(SPAN(journal_text), SPAN(""));
	notice.copy_to = &copies;
	notice_write(&notice, &text);
	check_form(str_span(&text), 3); /* the sender has it already */
	ck_assert(holds(&text, "\r\nTo: <a@example.com>\r\n"));
	str_clear(&text);
	set_up_notice(SPAN(DELAYED("01:00", "*")), SPAN(""));
	notice.copy_to = &copies;
	notice_write(&notice, &text);
	check_form(str_span(&text), 1);
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

struct fixture {
	char folder[64];
	struct spool spool;
	struct config_server server;
	struct local local;
	struct arena arena;
	struct outcomes outcomes;
	int arrivals[2];
	int message, journal;
};

static int memory_file(struct span text)
{
	int fd = memfd_create("file", 0);
	ck_assert_int_eq(fd_write_all(fd, text), 0);
	return fd;
}

static void set_up(struct fixture *f, struct span journal)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->folder, "/tmp/mailroot-notice-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->folder));
	int fd = open(f->folder, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(spool_probe(fd, &f->spool), 0);
	f->server.fqdn = "mail.example.com";
	f->server.default_domain = "example.com";
	ck_assert_int_eq(ipc_pair(f->arrivals, 100000), 0);
	local_open(&f->local, &f->spool, &f->server, f->arrivals[0]);
	arena_init(&f->arena, OUTCOME_ARENA_MAX);
	f->message = memory_file(SPAN("x-sen\nSubject: z\r\n\r\ntext\r\n"));
	f->journal = memory_file(journal);
}

static void tear_down(struct fixture *f)
{
	char command[128];
	local_close(&f->local);
	arena_free(&f->arena);
	close(f->spool.new_fd);
	close(f->arrivals[0]);
	close(f->arrivals[1]);
	close(f->message);
	close(f->journal);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
	ck_assert_int_eq(system(command), 0);
}

static bool tell(struct fixture *f, const char *bitmap)
{
	struct wire_job_notice job = {
		.id = SPAN("00000000AAAAAAAAAAAAAAAA"), .notice_id = span_of(notice_id), .size = 26};
	const char *why;
	ck_assert(outcomes_select(&f->outcomes, &f->arena, &envelope, (struct span){bitmap, bitmap ? 1 : 0}));
	return local_notice(&f->local, &job, f->message, f->journal, &envelope, &f->outcomes, &why);
}

static bool arrived(struct fixture *f, char name[MSGNAME_MAX])
{
	char buffer[1000];
	struct ipc_packet packet;
	struct wire_arrived wire;
	if (ipc_receive(f->arrivals[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet) < 0)
		return false;
	return wire_decode_arrived(packet.text, &wire) && span_copy(wire.name, name, MSGNAME_MAX);
}

START_TEST(commits_and_tells)
{
	struct fixture f;
	char name[MSGNAME_MAX], path[256];
	set_up(&f, SPAN(journal_text));
	ck_assert(tell(&f, NULL));
	ck_assert_uint_eq(f.outcomes.n, 2);
	ck_assert_uint_eq(f.outcomes.rcpts[1].ordinal, 3);
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(arrived(&f, name));
	ck_assert(span_starts(span_of(name), span_of(notice_id)));
	snprintf(path, sizeof(path), "%s/%s", f.folder, name);
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(spool_lock(fd), 0);
	close(fd);
	tear_down(&f);
}
END_TEST

/* As after a crash before it was recorded: there is one notice, and it is announced again, or the queue would not
 * find it. */
START_TEST(commits_once_and_tells_again)
{
	struct fixture f;
	char first[MSGNAME_MAX], again[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	ck_assert(tell(&f, NULL));
	ck_assert(arrived(&f, first));
	ck_assert(tell(&f, NULL));
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(arrived(&f, again));
	ck_assert_str_eq(first, again);
	tear_down(&f);
}
END_TEST

START_TEST(only_for_those_of_the_job)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	ck_assert(tell(&f, "\x0e"));
	ck_assert_uint_eq(f.outcomes.n, 1);
	ck_assert_uint_eq(f.outcomes.rcpts[0].ordinal, 3);
	ck_assert(arrived(&f, name));
	tear_down(&f);
}
END_TEST

START_TEST(nobody_to_tell)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN("2026-11-21T02:00:00Z * delivered 250 2.0.0 mx[192.0.2.1]:25 ok\n"));
	ck_assert(!tell(&f, NULL));
	ck_assert(!arrived(&f, name));
	tear_down(&f);
	set_up(&f, SPAN(journal_text));
	struct address sender = envelope.sender;
	envelope.sender = (struct address){0};
	ck_assert(tell(&f, NULL));
	envelope.sender = sender;
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(!arrived(&f, name));
	tear_down(&f);
}
END_TEST

START_TEST(whole_message_is_copied)
{
	struct fixture f;
	char name[MSGNAME_MAX], path[256], text[8192] = "";
	set_up(&f, SPAN(journal_text));
	envelope.dsn.ret = DSN_RET_FULL;
	ck_assert(tell(&f, NULL));
	envelope.dsn.ret = DSN_RET_UNSAID;
	ck_assert(arrived(&f, name));
	snprintf(path, sizeof(path), "%s/%s", f.folder, name);
	int fd = open(path, O_RDONLY);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	const char *whole = strstr(text, "Content-Type: message/rfc822\r\n\r\nSubject: z\r\n\r\ntext\r\n\r\n--=_");
	ck_assert_ptr_nonnull(whole);
	tear_down(&f);
}
END_TEST

START_TEST(warns_of_a_delay)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN("2026-11-21T02:00:00Z 0 failed 550 5.1.1 mx[192.0.2.1]:25 no\n" DELAYED("02:00", "1-3")));
	ck_assert(tell(&f, "\x03"));
	ck_assert_uint_eq(f.outcomes.n, 2);
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert_int_eq(f.outcomes.rcpts[1].outcome->event, JOURNAL_WARNED);
	ck_assert(arrived(&f, name));
	tear_down(&f);
}
END_TEST

START_TEST(delayed_when_it_cant_be_written)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	struct spool nowhere = {.new_fd = open("/dev/null", O_RDONLY), .unnamed = true};
	f.local.spool = &nowhere;
	ck_assert(tell(&f, NULL));
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_DELAYED);
	ck_assert(!arrived(&f, name));
	close(nowhere.new_fd);
	tear_down(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notice");
	TCase *all = tcase_create("all");
	tcase_add_test(all, folds_the_journal);
	tcase_add_test(all, every_action);
	tcase_add_test(all, a_delay_is_told_once);
	tcase_add_loop_test(all, each_language_has_all_texts, 0, CONFIG_LANGUAGE_COUNT);
	tcase_add_test(all, advice_where_we_lack_a_password);
	tcase_add_test(all, advice_by_words);
	tcase_add_test(all, status_fits_the_action);
	tcase_add_test(all, text_has_all_facts);
	tcase_add_test(all, report_for_programs);
	tcase_add_test(all, subject_in_any_script);
	tcase_add_test(all, in_japanese);
	tcase_add_test(all, as_many_as_there_may_be);
	tcase_add_test(all, copies_of_failures_only);
	tcase_add_test(all, whole_message_when_asked_for);
	tcase_add_test(all, whole_message_is_copied);
	tcase_add_test(all, warns_of_a_delay);
	tcase_add_test(all, is_the_same_again);
	tcase_add_test(all, hostile_headers);
	tcase_add_test(all, groups);
	tcase_add_test(all, commits_and_tells);
	tcase_add_test(all, commits_once_and_tells_again);
	tcase_add_test(all, only_for_those_of_the_job);
	tcase_add_test(all, nobody_to_tell);
	tcase_add_test(all, delayed_when_it_cant_be_written);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
