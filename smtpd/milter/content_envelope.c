#include <errno.h>
#include <stdio.h>

#include "smtpd/accept/recipients.h"
#include "smtpd/milter/content.h"
#include "smtpd/policy/policy.h"

/* ADDRESS with the domain that the recipient of a client would get. TEXT has room for ADDRESS_MAX + 1 octets. */
static struct address stamped(const struct content *c, const struct address *address, char *text)
{
	const struct policy_decision decision = {.stamp = config_stamp(c->config, address->domain)};
	return policy_stamp(&decision, address, text);
}

/* The client may have named RCPT by an alias domain, or without domain. */
static bool is_dropped(const struct content *c, const struct edits *edits, const struct address *rcpt)
{
	char text[ADDRESS_MAX + 1];
	bool dropped = edits_drop(edits, rcpt);
	for (const struct edit_rcpt *removed = edits->removed; removed && !dropped; removed = removed->next) {
		const struct address whole = stamped(c, &removed->address, text);
		dropped = address_equal(&whole, rcpt);
	}
	return dropped;
}

/* The alias that RCPT comes from, and other names of it, stand in ORCPT. */
static bool is_alias_dropped(const struct content *c, const struct edits *edits, const struct dsn_rcpt *dsn)
{
	char text[DSN_ORCPT_MAX + 1];
	struct address alias;
	const char *why;
	if (!span_starts_nocase(dsn->orcpt, SPAN("rfc822;")))
		return false;
	size_t len = dsn_decode(span_skip(dsn->orcpt, SPAN("rfc822;").len), text);
	return address_parse((struct span){text, len}, &alias, &why) && is_dropped(c, edits, &alias);
}

static bool keep(const struct content *c, const struct edits *edits, struct recipients *to)
{
	const struct envelope *old = &c->envelope;
	for (size_t i = 0; i < old->rcpt_count; i++) {
		const struct dsn_rcpt dsn = old->dsn_rcpts ? old->dsn_rcpts[i] : (struct dsn_rcpt){0};
		if (is_dropped(c, edits, &old->rcpts[i]) || is_alias_dropped(c, edits, &dsn))
			continue;
		if (recipients_add(to, &old->rcpts[i], &dsn) == RECIPIENTS_NO_MEMORY)
			return false;
	}
	return true;
}

static bool add(const struct content *c, const struct edits *edits, struct recipients *to)
{
	char text[ADDRESS_MAX + 1];
	for (const struct edit_rcpt *added = edits->added; added; added = added->next) {
		const struct address whole = stamped(c, &added->address, text);
		if (!added->cancelled && recipients_add(to, &whole, &added->dsn) == RECIPIENTS_NO_MEMORY)
			return false;
	}
	return true;
}

static void write_sender(const struct content *c, const struct edits *edits, struct str *to)
{
	char text[ADDRESS_MAX + 1];
	const struct address *sender = edits->sender ? &edits->new_sender : &c->envelope.sender;
	if (sender->text.len && !sender->domain.len) {
		snprintf(text, sizeof(text), "%.*s@%s", SPAN_ARGS(sender->local), c->config->local_domains[0].name);
		envelope_write_sender(to, span_of(text));
	} else {
		envelope_write_sender(to, sender->text);
	}
}

int content_envelope(const struct content *c, const struct edits *edits, struct str *to)
{
	struct recipients rcpts;
	recipients_init(&rcpts);
	int err = 0;
	if (!keep(c, edits, &rcpts) || !add(c, edits, &rcpts))
		err = rcpts.count < ENVELOPE_RCPT_MAX ? -ENOMEM : -E2BIG;
	if (!err && !rcpts.count)
		err = -ENOENT;
	write_sender(c, edits, to);
	envelope_write_dsn(to, &c->envelope.dsn);
	if (c->envelope.foreign)
		envelope_write_foreign(to);
	str_append(to, str_span(&rcpts.lines));
	recipients_free(&rcpts);
	return err ? err : to->failed ? -ENOMEM : 0;
}
