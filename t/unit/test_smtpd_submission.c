#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/accept/submission.h"
#include "t/unit/suite.h"

/* The result for a header: "sender|recipients|header", or "bad: why". */
struct result {
	struct submission s;
	struct str rcpts, text;
};

static enum submission_taken take(void *context, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	struct result *r = context;
	ck_assert(!dsn->notify && !dsn->orcpt.len);
	if (span_starts(rcpt->text, SPAN("nobody@")))
		return SUBMISSION_UNKNOWN;
	if (span_starts(rcpt->text, SPAN("later@")))
		return SUBMISSION_UNDECIDED;
	str_printf(&r->rcpts, "%s%.*s", r->rcpts.len ? " " : "", SPAN_ARGS(rcpt->text));
	return SUBMISSION_TAKEN;
}

static const struct submission_defaults defaults = {"dom.ain", "mail.dom.ain", "ID", "DATE", false};

static const char *submit(struct result *r, const char *head)
{
	const char *why = NULL;
	*r = (struct result){.s.take = take, .s.context = r};
	str_init(&r->s.header, SUBMISSION_REPAIRED_MAX);
	str_init(&r->rcpts, 1 << 20);
	str_init(&r->text, 1 << 20);
	if (submission_read(span_of(head), &defaults, &r->s, &why) == SUBMISSION_GOOD)
		str_printf(&r->text, "%s|%s|%s", r->s.sender, str_text(&r->rcpts), str_text(&r->s.header));
	else
		str_printf(&r->text, "bad: %s", why);
	return str_text(&r->text);
}

static void done(struct result *r)
{
	str_free(&r->s.header);
	str_free(&r->rcpts);
	str_free(&r->text);
}

#define WHOLE "Date: D\r\nMessage-ID: <i@d>\r\n"
#define ADDED "Date: DATE\r\nMessage-ID: <ID@mail.dom.ain>\r\n"

static const struct {
	const char *head, *result;
} cases[] = {
	/* the envelope of the file */
	{"x-sender: a@b\r\nx-receiver: c@d\r\nx-receiver: e@f\r\nFrom: g@h\r\n" WHOLE,
	 "a@b|c@d e@f|From: g@h\r\n" WHOLE},
	{"X-Sender: \"Ben, A\" <a@b>\r\nX-Receiver: =?utf-8?Q?J?=\r\n <c@d>\r\nMIME-Version: 1.0\r\nFrom: a@b\r\n"
	 "To: x@y\r\n" WHOLE,
	 "a@b|c@d|MIME-Version: 1.0\r\nFrom: a@b\r\nTo: x@y\r\n" WHOLE},
	{"x-sender: <>\r\nx-receiver: c@d\r\n", "|c@d|From: MAILER-DAEMON@dom.ain\r\n" ADDED},
	{"x-sender: a\r\nx-receiver: c\r\n", "a@dom.ain|c|From: a@dom.ain\r\n" ADDED},
	{"x-sender: a@b\r\nTo: c@d\r\nCc: e@f\r\n", "a@b|c@d e@f|To: c@d\r\nCc: e@f\r\nFrom: a@b\r\n" ADDED},
	{"x-sender: a@b\r\nTo: nobody@d, c@d\r\n", "a@b|c@d|To: nobody@d, c@d\r\nFrom: a@b\r\n" ADDED},
	{"x-sender: a@b\r\nx-receiver: nobody@d\r\nTo: c@d\r\n",
	 "bad: x-receiver \"nobody@d\": there is no such recipient"},
	{"x-sender: a@b\r\nTo: c@d, later@d\r\n", "bad: a recipient can't be examined now"},
	{"x-receiver: c@d\r\nFrom: a@b\r\nTo: x@y\r\n", "a@b|c@d|From: a@b\r\nTo: x@y\r\n" ADDED},
	/* only at the beginning */
	{"From: a@b\r\nX-Sender: old@eudora\r\nTo: c@d\r\n" WHOLE,
	 "a@b|c@d|From: a@b\r\nX-Sender: old@eudora\r\nTo: c@d\r\n" WHOLE},
	/* the envelope of the header */
	{"From: a@b\r\nTo: c@d, Joe <e@f>\r\nCc: g@h\r\nBcc: i@j\r\n" WHOLE,
	 "a@b|c@d e@f g@h i@j|From: a@b\r\nTo: c@d, Joe <e@f>\r\nCc: g@h\r\n" WHOLE},
	{"From: a@b, c@d\r\nSender: s@t\r\nBcc: e@f,\r\n g@h\r\n" WHOLE,
	 "s@t|e@f g@h|From: a@b, c@d\r\nSender: s@t\r\n" WHOLE},
	{"From: a@b\r\nTo: list: c@d, e@f;\r\n" WHOLE, "a@b|c@d e@f|From: a@b\r\nTo: list: c@d, e@f;\r\n" WHOLE},
	{"From: a@b\r\nTo: undisclosed-recipients:;\r\nBcc: c@d\r\n" WHOLE,
	 "a@b|c@d|From: a@b\r\nTo: undisclosed-recipients:;\r\n" WHOLE},
	/* resent: only the topmost block */
	{"Resent-From: r@s\r\nResent-To: t@u\r\nResent-Bcc: v@w\r\nReceived: x\r\nResent-To: old@o\r\nFrom: a@b\r\n"
	 "To: c@d\r\nBcc: e@f\r\n" WHOLE,
	 "r@s|t@u v@w|Resent-From: r@s\r\nResent-To: t@u\r\nReceived: x\r\nResent-To: old@o\r\nFrom: a@b\r\n"
	 "To: c@d\r\n" WHOLE},
	{"Resent-From: r@s\r\nResent-To: t@u\r\nResent-From: old@o\r\nResent-To: old@o\r\nFrom: a@b\r\n" WHOLE,
	 "r@s|t@u|Resent-From: r@s\r\nResent-To: t@u\r\nResent-From: old@o\r\nResent-To: old@o\r\nFrom: a@b\r\n" WHOLE},
	{"Resent-From: r@s\r\nFrom: a@b\r\nTo: c@d\r\n" WHOLE,
	 "bad: it has no recipient: neither x-receiver lines nor an "
	 "address in To, Cc or Bcc"},
	/* repairs */
	{"From: a\r\nTo: b, \"c d\" <e>, f@g, h: i;\r\nReply-To: j (k)\r\n" WHOLE,
	 "a@dom.ain|b e f@g i|From: a@dom.ain\r\nTo: b@dom.ain, \"c d\" <e@dom.ain>, f@g, h: i@dom.ain;\r\n"
	 "Reply-To: j@dom.ain (k)\r\n" WHOLE},
	{"Return-Path: <x@y>\r\nFrom: a@b\r\nContent-Length: 7\r\nTo: c@d\r\n",
	 "a@b|c@d|From: a@b\r\nTo: c@d\r\n" ADDED},
	{"x-sender: a@b\r\nx-receiver: c@d\r\nFrom:\r\n" WHOLE, "a@b|c@d|" WHOLE "From: a@b\r\n"},
	{"x-sender: a@b\r\nx-receiver: c@d\r\nReply-To: what is this\r\nFrom: g@h\r\n" WHOLE,
	 "a@b|c@d|Reply-To: what is this\r\nFrom: g@h\r\n" WHOLE},
	{"From: a@b\r\nTo: c@d\r\nDate: D\r\nMessage-ID: <i@d>", "a@b|c@d|From: a@b\r\nTo: c@d\r\n" WHOLE},
	/* bad */
	{"", "bad: it does not begin with x-sender and x-receiver lines or with the fields of a header"},
	{"x-mailroot-dsn: x\r\nFrom: a@b\r\nTo: c@d\r\n",
	 "bad: a line at its head begins with x-mailroot-, which is reserved"},
	{"x-sender: a@b\r\nX-Mailroot-Envid: x\r\nx-receiver: c@d\r\n",
	 "bad: a line at its head begins with x-mailroot-, which is reserved"},
	{"x-sender: a@b\r\nx-sender: c@d\r\nx-receiver: c@d\r\n", "bad: there is more than one x-sender line"},
	{"x-sender:\r\nx-receiver: c@d\r\n", "bad: the x-sender line has no address; write <> for none"},
	{"x-sender: a@b\r\nx-receiver: <>\r\n", "bad: x-receiver \"<>\": the null address can't be a recipient"},
	{"x-sender: a@b\r\nx-receiver: c d\r\nTo: e@f\r\n",
	 "bad: x-receiver \"c d\": there is text before or behind the address, or several words are none"},
	{"From: a@b\r\nTo: g: c@d\r\n",
	 "bad: To \"g: c@d\": a group, which begins with a colon, does not end in a semicolon"},
	/* one bad among good ones */
	{"From: a@b\r\nTo: c d, e@f\r\nCc: <g\r\n" WHOLE, "a@b|e@f|From: a@b\r\nTo: c d, e@f\r\nCc: <g\r\n" WHOLE},
	/* a name without its quotes */
	{"From: Acme, Inc. <c@d>\r\nReply-To: Acme, Inc. <e>\r\nTo: root, J <x@y>\r\n" WHOLE,
	 "c@d|root x@y|From: Acme, Inc. <c@d>\r\nReply-To: Acme, Inc. <e@dom.ain>\r\n"
	 "To: root@dom.ain, J <x@y>\r\n" WHOLE},
	{"Sender: Acme, Inc. <c@d>\r\nFrom: a@b\r\nTo: x@y\r\n" WHOLE,
	 "c@d|x@y|Sender: Acme, Inc. <c@d>\r\nFrom: a@b\r\nTo: x@y\r\n" WHOLE},
	{"x-sender: a b\r\nx-receiver: c@d\r\n",
	 "bad: x-sender \"a b\": there is text before or behind the address, or several words are none"},
	{"From: a@b\r\nSubject: x\r\n",
	 "bad: it has no recipient: neither x-receiver lines nor an address in To, Cc or Bcc"},
	{"To: a@b\r\nSubject: x\r\n", "bad: it has no sender: neither an x-sender line nor From"},
};

START_TEST(reads_headers)
{
	struct result r;
	ck_assert_str_eq(submit(&r, cases[_i].head), cases[_i].result);
	done(&r);
}
END_TEST

START_TEST(counts_received)
{
	struct result r;
	submit(&r, "Received: a\r\nFrom: a@b\r\nreceived: b\r\n c\r\nTo: c@d\r\nX-Received: d\r\n");
	ck_assert_uint_eq(r.s.received, 2);
	done(&r);
}
END_TEST

/* As many recipients as an envelope may have, then one more. */
START_TEST(bounds_recipients)
{
	for (size_t extra = 0; extra < 2; extra++) {
		struct str head;
		struct result r;
		str_init(&head, SUBMISSION_HEAD_MAX);
		str_append_text(&head, "From: a@b\r\nTo: x@y");
		for (size_t i = 1; i < ENVELOPE_RCPT_MAX + extra; i++)
			str_printf(&head, ",\r\n u%zu@example.com", i);
		str_append_text(&head, "\r\n");
		const char *got = submit(&r, str_text(&head));
		ck_assert_int_eq(strncmp(got, "bad: there are more than 5000", 20) == 0, (int)extra);
		done(&r);
		str_free(&head);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("submission");
	TCase *tcase = tcase_create("submission");
	tcase_add_loop_test(tcase, reads_headers, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, counts_received);
	tcase_add_test(tcase, bounds_recipients);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
