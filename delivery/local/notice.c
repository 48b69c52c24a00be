#include "delivery/local/notice.h"

#include "common/base/clock.h"
#include "common/mail/fields.h"
#include "common/mail/mime.h"
#include "common/mail/msgid.h"
#include "delivery/local/notice_words.h"

enum {
	SUBJECT_SHOWN_MAX = 200, /* octets of the original subject in the notice's subject */
	MESSAGE_ID_MAX = 250
};

enum notice_action notice_action(const struct notice *n)
{
	enum notice_action gravest = NOTICE_NOTHING;
	for (size_t i = 0; i < n->envelope->rcpt_count; i++) {
		enum notice_action action = n->facts[i].action;
		if (action != NOTICE_NOTHING && (gravest == NOTICE_NOTHING || action < gravest))
			gravest = action;
	}
	return gravest;
}

bool notice_is_full(const struct notice *n)
{
	return n->envelope->dsn.ret == DSN_RET_FULL && n->octets <= NOTICE_FULL_MAX &&
	       notice_action(n) == NOTICE_FAILED;
}

/* Unfolds a field's value. Text that is neither 7-bit nor UTF-8 is cut or left out. */
static void unfold(struct span value, struct str *to)
{
	struct span line;
	while (span_line(&value, &line)) {
		line.len = mime_utf8(line, line.len);
		for (size_t i = 0; i < line.len; i++) {
			unsigned char c = (unsigned char)line.at[i];
			bool control = c < ' ' || c == 0x7f;
			str_append_c(to, control ? (c == '\t' ? ' ' : '?') : (char)c);
		}
	}
}

void notice_original_subject(const struct notice *n, struct str *to)
{
	struct span value;
	if (field_find(n->headers, "Subject", &value))
		unfold(value, to);
}

/* A prefix of TEXT of at most MAX octets that ends at a blank if possible: a word may be an encoded one. */
static struct span front(struct span text, size_t max)
{
	size_t len = mime_utf8(text, max);
	size_t end = len;
	while (len < text.len && end && text.at[end] != ' ')
		end--;
	return (struct span){text.at, end ? end : len};
}

static void append_subject(const struct notice *n, struct str *to)
{
	struct str subject;
	str_init(&subject, NOTICE_HEADERS_MAX);
	notice_original_subject(n, &subject);
	struct span prefix = span_of(notice_subject(n->language, notice_action(n)));
	struct span shown = front(str_span(&subject), SUBJECT_SHOWN_MAX);
	str_append_text(to, "Subject: ");
	mime_append_text(to, prefix);
	if (shown.len) {
		str_append_text(to, mime_plain(prefix) ? ": " : "\r\n ");
		mime_append_text(to, shown);
	}
	str_append_text(to, "\r\n");
	str_free(&subject);
}

/* A mail program then shows the notice beside the message. */
static void append_reference(const struct notice *n, struct str *to)
{
	struct span id;
	if (!field_find(n->headers, "Message-ID", &id) || id.len < 3 || id.len > MESSAGE_ID_MAX || id.at[0] != '<' ||
	    span_find(id, '>') != id.len - 1)
		return;
	for (size_t i = 0; i < id.len; i++)
		if (id.at[i] <= ' ' || id.at[i] > '~')
			return;
	str_printf(to, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", SPAN_ARGS(id), SPAN_ARGS(id));
}

static void append_envelope(const struct notice *n, struct str *to)
{
	envelope_write_sender(to, (struct span){0});
	for (size_t i = 0; i < n->rcpts->n; i++)
		envelope_write_rcpt(to, n->rcpts->at[i]);
}

static void append_header(const struct notice *n, struct str *to)
{
	char id[MSGID_LEN + 1], date[CLOCK_TEXT_MAX];
	span_copy(n->id, id, sizeof(id));
	clock_rfc5322(msgid_time(id) * 1000, date);
	str_printf(to, "Received: by %s (Mailroot) id %s; %s\r\n", n->fqdn, id, date);
	str_append_text(to, "From: ");
	mime_append_text(to, span_of(notice_words(n->language, WORDS_FROM)));
	str_append_text(to, " <");
	address_append(to, span_of(n->postmaster));
	str_append_text(to, ">\r\n");
	str_append_text(to, "To: <");
	address_append(to, n->envelope->sender.text);
	str_append_text(to, ">\r\n");
	append_subject(n, to);
	str_printf(to, "Date: %s\r\n", date);
	str_printf(to, "Message-ID: <%s@%s>\r\n", id, n->fqdn);
	append_reference(n, to);
	str_printf(to,
		   "Auto-Submitted: auto-replied\r\n"
		   "MIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		   "\tboundary=\"=_%s\"\r\n"
		   "\r\n"
		   "This is a report in MIME format.\r\n",
		   id);
}

static void begin_part(const struct notice *n, const char *type, const char *encoding, struct str *to)
{
	str_printf(to, "\r\n--=_%.*s\r\nContent-Type: %s\r\n", SPAN_ARGS(n->id), type);
	if (encoding)
		str_printf(to, "Content-Transfer-Encoding: %s\r\n", encoding);
	str_append_text(to, "\r\n");
}

static void append_human(const struct notice *n, struct str *to)
{
	struct str text;
	str_init(&text, NOTICE_MAX);
	notice_write_human(n, &text);
	if (mime_plain(str_span(&text))) {
		begin_part(n, "text/plain; charset=us-ascii", NULL, to);
		str_append(to, str_span(&text));
	} else {
		begin_part(n, "text/plain; charset=utf-8", "base64", to);
		mime_append_base64(to, str_span(&text));
	}
	to->failed |= text.failed;
	str_free(&text);
}

/* The header section of the available part of the message, in whole lines. */
static struct span header_section(struct span headers)
{
	struct span rest = headers, line;
	size_t len = 0;
	while (span_line(&rest, &line) && line.len && (rest.len || headers.at[headers.len - 1] == '\n'))
		len = (size_t)(rest.at - headers.at);
	return (struct span){headers.at, len};
}

static void append_headers(const struct notice *n, struct str *to)
{
	struct span headers = header_section(n->headers);
	if (mime_plain(headers)) {
		begin_part(n, "text/rfc822-headers", NULL, to);
		str_append(to, headers);
	} else {
		begin_part(n, "text/rfc822-headers", "quoted-printable", to);
		mime_append_quoted(to, headers);
	}
}

void notice_end(const struct notice *n, struct str *to)
{
	str_printf(to, "\r\n--=_%.*s--\r\n", SPAN_ARGS(n->id));
}

void notice_write(const struct notice *n, struct str *to)
{
	append_envelope(n, to);
	append_header(n, to);
	append_human(n, to);
	begin_part(n, "message/delivery-status", NULL, to);
	notice_write_report(n, to);
	if (notice_is_full(n)) {
		begin_part(n, "message/rfc822", n->eight_bit ? "8bit" : NULL, to);
		return;
	}
	append_headers(n, to);
	notice_end(n, to);
}
