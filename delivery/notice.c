#include "delivery/notice.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/mail/header.h"
#include "common/mail/msgid.h"

enum {
	SUBJECT_SHOWN_MAX = 200, /* octets of the message's subject in ours */
	LINE_SHOWN_MAX = 900     /* RFC 5322 2.1.1 allows 998 */
};

static void note(const struct journal_line *line, struct notice_failure *failures, size_t count)
{
	for (size_t i = line->first; i <= line->last && i < count; i++) {
		if (line->event == JOURNAL_FAILED)
			failures[i] = (struct notice_failure){true, *line};
		else if (line->event == JOURNAL_NOTICED || line->event == JOURNAL_DELETED)
			failures[i].due = false;
	}
}

size_t notice_failures(struct span journal, struct notice_failure *failures, size_t count)
{
	struct span rest = {journal.at, journal_whole(journal)};
	struct span text;
	struct journal_line line;
	size_t due = 0;
	for (size_t i = 0; i < count; i++)
		failures[i] = (struct notice_failure){0};
	while (span_line(&rest, &text))
		if (journal_parse(text, &line))
			note(&line, failures, count);
	for (size_t i = 0; i < count; i++)
		due += failures[i].due;
	return due;
}

/* One line of printable ASCII, cut to MAX octets; a tab (of a folded header) becomes a blank. */
static void append_line(struct str *to, const char *indent, struct span text, size_t max)
{
	struct str clean;
	str_init(&clean, 4 * NOTICE_HEADERS_MAX);
	while (text.len) {
		str_append_clean(&clean, span_take(&text, '\t'));
		if (text.len)
			str_append_c(&clean, ' ');
	}
	struct span shown = str_span(&clean);
	if (shown.len > max)
		shown.len = max;
	str_printf(to, "%s%.*s\r\n", indent, SPAN_ARGS(shown));
	str_free(&clean);
}

static void append_subject(struct str *to, struct span headers)
{
	struct span subject, first;
	if (header_find(headers, SPAN("Subject"), &subject) && span_line(&subject, &first))
		append_line(to, "Subject: Undelivered: ", first, SUBJECT_SHOWN_MAX);
	else
		str_append_text(to, "Subject: Undelivered mail\r\n");
}

static void append_header(const struct notice *n, struct str *to)
{
	char id[MSGID_LEN + 1], date[CLOCK_TEXT_MAX];
	span_copy(n->id, id, sizeof(id));
	clock_rfc5322(msgid_time(id) * 1000, date);
	envelope_write_sender(to, (struct span){0});
	envelope_write_rcpt(to, n->envelope->sender.text);
	str_printf(to, "Received: by %s (Mailroot) id %s; %s\r\n", n->fqdn, id, date);
	str_printf(to, "From: Mail delivery <%s>\r\n", n->postmaster);
	str_printf(to, "To: <%.*s>\r\n", SPAN_ARGS(n->envelope->sender.text));
	append_subject(to, n->headers);
	str_printf(to, "Date: %s\r\n", date);
	str_printf(to, "Message-ID: <%s@%s>\r\n", id, n->fqdn);
	str_append_text(to, "Auto-Submitted: auto-replied\r\n"
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: text/plain; charset=us-ascii\r\n"
			    "\r\n");
}

/* What the reader can do, by the subject of the enhanced code (RFC 3463 3). */
static const char *advice(const struct journal_line *line)
{
	static const char *const by_subject[] = {
		[1] = "Look at the address for a typing mistake, and send the message again.",
		[2] = "The mailbox takes no mail at present. Try again later, or reach the recipient another way.",
		[3] = "The receiving system does not take this message. Ask its administrator, or reach the "
		      "recipient another way.",
		[4] = "The receiving system could not be reached. Send the message again later; if it fails again, "
		      "tell postmaster.",
		[5] = "The two mail systems did not understand each other. Tell postmaster.",
		[6] = "The receiving system can't take the form of this message. Send it in another form, for "
		      "instance as plain text.",
		[7] = "The receiving system refuses this message by a rule of its own. Ask its administrator, or reach "
		      "the recipient another way.",
	};
	const struct enhanced *e = &line->enhanced;
	if (e->subject == 3 && e->detail == 4)
		return "The message is too large. Send a smaller one, for instance with a link in place of the "
		       "attachment.";
	if (e->subject == 0 || e->subject >= sizeof(by_subject) / sizeof(by_subject[0]))
		return "Look at the address and at the words above, and send the message again, or tell postmaster.";
	return by_subject[e->subject];
}

static bool same_reason(const struct journal_line *a, const struct journal_line *b)
{
	return a->code == b->code && span_equal(a->host, b->host) && span_equal(a->text, b->text) &&
	       a->enhanced.class == b->enhanced.class && a->enhanced.subject == b->enhanced.subject &&
	       a->enhanced.detail == b->enhanced.detail;
}

static void append_reason(const struct journal_line *line, struct str *to)
{
	char enhanced[ENHANCED_TEXT_MAX], code[16] = "";
	enhanced_format(line->enhanced, enhanced);
	if (line->code)
		snprintf(code, sizeof(code), "%d ", line->code);
	if (line->host.len)
		str_printf(to, "    %.*s said:\r\n", SPAN_ARGS(line->host));
	else
		str_append_text(to, "    This server could not deliver it:\r\n");
	str_printf(to, "    %s%s%s", code, enhanced, *enhanced ? " " : "");
	append_line(to, "", line->text, LINE_SHOWN_MAX);
	str_printf(to, "    %s\r\n\r\n", advice(line));
}

/* Neighbours that failed for the same reason share its words. */
static void append_failures(const struct notice *n, struct str *to)
{
	const struct notice_failure *f = n->failures, *last = NULL;
	for (size_t i = 0; i < n->envelope->rcpt_count; i++) {
		if (!f[i].due)
			continue;
		if (last && !same_reason(&last->line, &f[i].line))
			append_reason(&last->line, to);
		str_printf(to, "  <%.*s>\r\n", SPAN_ARGS(n->envelope->rcpts[i].text));
		last = &f[i];
	}
	if (last)
		append_reason(&last->line, to);
}

static void append_original(struct span headers, struct str *to)
{
	struct span line;
	str_append_text(to, "The headers of your message:\r\n\r\n");
	while (span_line(&headers, &line) && line.len)
		append_line(to, "  ", line, LINE_SHOWN_MAX);
}

void notice_write(const struct notice *n, struct str *to)
{
	append_header(n, to);
	str_printf(to,
		   "This is the mail server %s. Your message could not be delivered to:\r\n"
		   "\r\n",
		   n->fqdn);
	append_failures(n, to);
	str_printf(to,
		   "Nothing more will be tried for these recipients. In the logs of this server the\r\n"
		   "message is %.*s; postmaster is <%s>.\r\n"
		   "\r\n",
		   SPAN_ARGS(n->message_id), n->postmaster);
	append_original(n->headers, to);
}
