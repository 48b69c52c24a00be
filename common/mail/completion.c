#include "common/mail/completion.h"

#include "common/mail/address.h"

bool completion_see(struct completion *c, struct span name)
{
	static const struct span removed[] = {SPAN("bcc"), SPAN("resent-bcc"), SPAN("content-length"),
					      SPAN("return-path")};
	for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++)
		if (span_equal_nocase(name, removed[i]))
			return false;
	c->from = c->from || span_equal_nocase(name, SPAN("from"));
	c->date = c->date || span_equal_nocase(name, SPAN("date"));
	c->id = c->id || span_equal_nocase(name, SPAN("message-id"));
	return true;
}

static void write_sender(const char *sender, struct str *to)
{
	str_append_text(to, "From: ");
	address_append(to, span_of(sender));
	str_append_text(to, "\r\n");
}

void completion_write(const struct completion *c, const struct completion_values *with, struct str *to)
{
	if (!c->from && with->sender[0])
		write_sender(with->sender, to);
	else if (!c->from)
		str_printf(to, "From: MAILER-DAEMON@%s\r\n", with->domain);
	if (!c->date)
		str_printf(to, "Date: %s\r\n", with->date);
	if (!c->id)
		str_printf(to, "Message-ID: <%s@%s>\r\n", with->id, with->fqdn);
}
