#include "smtpd/pickup/pickup_notice.h"

#include <stdio.h>

#include "common/mail/address.h"
#include "common/mail/envelope.h"
#include "common/mail/msgid.h"

void pickup_notice_id(const char id[MSGID_LEN + 1], char to[MSGID_LEN + 1])
{
	enum { TIME = MSGID_LEN - 16 };
	snprintf(to, MSGID_LEN + 1, "%.*s%s%c", TIME, id, id + TIME + 1, id[TIME]);
}

bool pickup_notice_wanted(const struct submission *s)
{
	return s->refused_count && s->sender[0];
}

/* As much of it as a line of a message has room for, should every octet be escaped. */
static struct span shown(struct span text)
{
	enum { SHOWN_MAX = 200 };
	return (struct span){text.at, text.len < SHOWN_MAX ? text.len : SHOWN_MAX};
}

static size_t told_of(const struct submission *s)
{
	return s->refused_count < SUBMISSION_REFUSED_MAX ? s->refused_count : SUBMISSION_REFUSED_MAX;
}

static void write_head(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	envelope_write_sender(to, (struct span){0});
	envelope_write_rcpt(to, span_of(s->sender));
	str_printf(to, "Received: by %s (notice of %s)\r\n\tid %s;\r\n\t%s\r\n", n->fqdn, n->where, n->id, n->date);
	str_printf(to,
		   "Date: %s\r\n"
		   "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
		   "To: <",
		   n->date, n->domain);
	address_append(to, span_of(s->sender));
	str_printf(to,
		   ">\r\n"
		   "Message-ID: <%s@%s>\r\n"
		   "Subject: Undeliverable: recipients that are no addresses\r\n"
		   "Auto-Submitted: auto-replied\r\n"
		   "MIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		   "\tboundary=\"=_%s\"\r\n\r\n",
		   n->id, n->fqdn, n->id);
}

static void write_human(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	str_printf(to,
		   "--=_%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
		   "Your message was sent, but not to these recipients, which are no addresses:\r\n",
		   n->id);
	for (size_t i = 0; i < told_of(s); i++) {
		str_append_text(to, "\r\n  ");
		str_append_clean(to, shown(s->refused[i].field));
		str_append_text(to, ": ");
		str_append_clean(to, shown(s->refused[i].text));
		str_printf(to, "\r\n    %s\r\n", s->refused[i].why);
	}
	if (told_of(s) < s->refused_count)
		str_printf(to, "\r\nand %zu more.\r\n", s->refused_count - told_of(s));
	str_append_text(to,
			"\r\nCorrect them and send the message to them again. The other recipients get it.\r\n\r\n");
}

static void write_report(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	str_printf(to, "--=_%s\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; %s\r\n", n->id,
		   n->fqdn);
	for (size_t i = 0; i < told_of(s); i++) {
		str_append_text(to, "\r\nFinal-Recipient: rfc822; ");
		str_append_clean(to, shown(s->refused[i].text));
		str_printf(to, "\r\nAction: failed\r\nStatus: 5.1.3\r\nDiagnostic-Code: x-mailroot; %s\r\n",
			   s->refused[i].why);
	}
	str_append_text(to, "\r\n");
}

static bool is_ascii(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] > 127)
			return false;
	return true;
}

void pickup_notice_write(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	struct span header = str_span(&s->header);
	write_head(n, s, to);
	write_human(n, s, to);
	write_report(n, s, to);
	if (header.len <= PICKUP_NOTICE_HEADER_MAX && is_ascii(header)) {
		str_printf(to, "--=_%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", n->id);
		str_append(to, header);
		str_append_text(to, "\r\n");
	}
	str_printf(to, "--=_%s--\r\n", n->id);
}
