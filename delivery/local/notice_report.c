/*
 * The part of a notice for programs (RFC 3464). Every value is printable US-ASCII, as are journal, envelope and
 * configuration.
 */
#include "common/base/clock.h"
#include "common/mail/msgid.h"
#include "common/mail/xtext.h"
#include "delivery/local/notice.h"

static void append_date(struct str *to, const char *name, int64_t wall_ms)
{
	char date[CLOCK_TEXT_MAX];
	clock_rfc5322(wall_ms, date);
	str_printf(to, "%s: %s\r\n", name, date);
}

static void append_message(const struct notice *n, struct str *to)
{
	char id[MSGID_LEN + 1], envid[DSN_ENVID_MAX + 1];
	str_printf(to, "Reporting-MTA: dns; %s\r\n", n->fqdn);
	if (n->envelope->dsn.envid.len && xtext_decode(n->envelope->dsn.envid, envid))
		str_printf(to, "Original-Envelope-Id: %s\r\n", envid);
	if (span_copy(n->message_id, id, sizeof(id)))
		append_date(to, "Arrival-Date", msgid_time(id) * 1000);
}

static void append_original(const struct notice *n, size_t rcpt, struct str *to)
{
	char address[DSN_ORCPT_MAX + 1];
	struct span orcpt = n->envelope->dsn_rcpts ? n->envelope->dsn_rcpts[rcpt].orcpt : (struct span){0};
	if (!orcpt.len)
		return;
	struct span type = span_take(&orcpt, ';');
	xtext_decode(orcpt, address);
	str_printf(to, "Original-Recipient: %.*s;%s\r\n", SPAN_ARGS(type), address);
}

/* HOST is "name[address]:port", or "[address]:port" of a host without a name. */
static void append_host(struct span host, struct str *to)
{
	struct span rest = host, name = span_take(&rest, '[');
	struct span literal = span_take(&rest, ']');
	if (name.len)
		str_printf(to, "Remote-MTA: dns; %.*s\r\n", SPAN_ARGS(name));
	else if (literal.len)
		str_printf(to, "Remote-MTA: dns; [%.*s]\r\n", SPAN_ARGS(literal));
}

static void append_diagnostic(const struct journal_line *cause, struct str *to)
{
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(cause->enhanced, enhanced);
	if (cause->code && cause->host.len)
		str_printf(to, "Diagnostic-Code: smtp; %d %s%s%.*s\r\n", cause->code, enhanced, *enhanced ? " " : "",
			   SPAN_ARGS(cause->text));
	else if (cause->text.len)
		str_printf(to, "Diagnostic-Code: X-Mailroot; %.*s\r\n", SPAN_ARGS(cause->text));
}

static void append_recipient(const struct notice *n, size_t rcpt, struct str *to)
{
	const struct notice_fact *fact = &n->facts[rcpt];
	const struct journal_line *cause = notice_cause(fact);
	char status[ENHANCED_TEXT_MAX];
	enhanced_format(notice_status(fact), status);
	str_append_text(to, "\r\n");
	append_original(n, rcpt, to);
	str_append_text(to, "Final-Recipient: rfc822;");
	address_append(to, n->envelope->rcpts[rcpt].text);
	str_append_text(to, "\r\n");
	str_printf(to, "Action: %s\r\nStatus: %s\r\n", notice_action_name(fact->action), status);
	append_host(cause->host, to);
	if (fact->action != NOTICE_DELIVERED) /* the sender need not know the drop folder */
		append_diagnostic(cause, to);
	if (fact->action != NOTICE_EXPANDED)
		append_date(to, "Last-Attempt-Date", cause->wall_ms);
	if (fact->action == NOTICE_DELAYED && n->until_ms)
		append_date(to, "Will-Retry-Until", n->until_ms);
}

void notice_write_report(const struct notice *n, struct str *to)
{
	append_message(n, to);
	for (size_t i = 0; i < n->envelope->rcpt_count; i++)
		if (n->facts[i].action != NOTICE_NOTHING)
			append_recipient(n, i, to);
}
