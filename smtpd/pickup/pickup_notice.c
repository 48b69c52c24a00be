#include "smtpd/pickup/pickup_notice.h"

#include <stdio.h>

#include "common/mail/address.h"
#include "common/mail/envelope.h"
#include "common/mail/mime.h"
#include "common/mail/msgid.h"

/* The texts for people in each language, UTF-8. The reason of each refusal stays English. */
static const struct {
	struct {
		const char *subject, *heading;
	} invalid, unknown; /* unknown: at least one of them */
	const char *more, *end;
} words[CONFIG_LANGUAGE_COUNT] = {
	[CONFIG_LANGUAGE_EN] =
		{
			{"Undelivered: some recipients are not valid addresses",
			 "Your message was sent, but not to these recipients, which are not valid addresses:"},
			{"Undelivered: some recipients do not exist",
			 "Your message was sent, but not to these recipients, which do not exist or are not valid addresses:"},
			"More recipients like these:",
			"Correct them and send the message to them again. The other recipients get it.",
		},
	[CONFIG_LANGUAGE_JA] =
		{
			{"【配信不能】正しくない宛先があります",
			 "メールを送信しましたが、次の宛先は正しいメールアドレスではないため、送信していません。"},
			{"【配信不能】存在しない宛先があります",
			 "メールを送信しましたが、次の宛先は存在しないか、正しいメールアドレスではないため、送信していません。"},
			"同様の宛先が他にもあります:",
			"アドレスを訂正し、これらの宛先にもう一度送信してください。他の宛先には配信されます。",
		},
};

void pickup_notice_id(const char id[MSGID_LEN + 1], char to[MSGID_LEN + 1])
{
	enum { TIME = MSGID_LEN - 16 };
	snprintf(to, MSGID_LEN + 1, "%.*s%s%c", TIME, id, id + TIME + 1, id[TIME]);
}

bool pickup_notice_wanted(const struct submission *s)
{
	return s->refused_count && s->sender[0];
}

/* The part of TEXT that fits into a line of a message even if every octet is escaped. */
static struct span shown(struct span text)
{
	enum { SHOWN_MAX = 200 };
	return (struct span){text.at, text.len < SHOWN_MAX ? text.len : SHOWN_MAX};
}

static size_t listed(const struct submission *s)
{
	return s->refused_count < SUBMISSION_REFUSED_MAX ? s->refused_count : SUBMISSION_REFUSED_MAX;
}

static bool any_unknown(const struct submission *s)
{
	for (size_t i = 0; i < listed(s); i++)
		if (s->refused[i].unknown)
			return true;
	return false;
}

static void write_head(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	envelope_write_sender(to, (struct span){0});
	for (size_t i = 0; i < n->rcpts->n; i++)
		envelope_write_rcpt(to, n->rcpts->at[i]);
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
		   "Subject: ",
		   n->id, n->fqdn);
	mime_append_text(
		to, span_of(any_unknown(s) ? words[n->language].unknown.subject : words[n->language].invalid.subject));
	str_printf(to,
		   "\r\n"
		   "Auto-Submitted: auto-replied\r\n"
		   "MIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		   "\tboundary=\"=_%s\"\r\n\r\n",
		   n->id);
}

static void say(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	str_printf(to, "%s\r\n",
		   any_unknown(s) ? words[n->language].unknown.heading : words[n->language].invalid.heading);
	for (size_t i = 0; i < listed(s); i++) {
		str_append_text(to, "\r\n  ");
		str_append_clean(to, shown(s->refused[i].field));
		str_append_text(to, ": ");
		str_append_clean(to, shown(s->refused[i].text));
		str_printf(to, "\r\n    %s\r\n", s->refused[i].why);
	}
	if (listed(s) < s->refused_count)
		str_printf(to, "\r\n%s %zu\r\n", words[n->language].more, s->refused_count - listed(s));
	str_printf(to, "\r\n%s\r\n\r\n", words[n->language].end);
}

static void write_human(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	struct str text;
	str_init(&text, PICKUP_NOTICE_MAX);
	say(n, s, &text);
	bool plain = mime_plain(str_span(&text));
	str_printf(to, "--=_%s\r\nContent-Type: text/plain; charset=%s\r\n%s\r\n", n->id, plain ? "us-ascii" : "utf-8",
		   plain ? "" : "Content-Transfer-Encoding: base64\r\n");
	if (plain)
		str_append(to, str_span(&text));
	else
		mime_append_base64(to, str_span(&text));
	to->failed |= text.failed;
	str_free(&text);
}

static void write_report(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	str_printf(to, "--=_%s\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; %s\r\n", n->id,
		   n->fqdn);
	for (size_t i = 0; i < listed(s); i++) {
		str_append_text(to, "\r\nFinal-Recipient: rfc822; ");
		str_append_clean(to, shown(s->refused[i].text));
		str_printf(to, "\r\nAction: failed\r\nStatus: %s\r\nDiagnostic-Code: x-mailroot; %s\r\n",
			   s->refused[i].unknown ? "5.1.1" : "5.1.3", s->refused[i].why);
	}
	str_append_text(to, "\r\n");
}

void pickup_notice_write(const struct pickup_notice *n, const struct submission *s, struct str *to)
{
	struct span header = str_span(&s->header);
	write_head(n, s, to);
	write_human(n, s, to);
	write_report(n, s, to);
	if (header.len <= PICKUP_NOTICE_HEADER_MAX && mime_plain(header)) {
		str_printf(to, "--=_%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", n->id);
		str_append(to, header);
		str_append_text(to, "\r\n");
	}
	str_printf(to, "--=_%s--\r\n", n->id);
}
