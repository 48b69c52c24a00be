#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "smtpd/accept/recipients.h"
#include "smtpd/milter/content.h"
#include "smtpd/policy/policy.h"

/* ADDRESS with the domain that the recipient of a client would get. TEXT has room for ADDRESS_MAX + 1 octets. */
static struct address stamped(const struct content *c, const struct address *address, char *text)
{
	const struct policy_decision decision = {.stamp = config_stamp(c->config, address->domain)};
	return policy_stamp(&decision, address, text);
}

/* The addresses that EDITS remove, as those of recipients are. */
static bool collect_removed(const struct content *c, const struct edits *edits, struct recipients *to)
{
	char text[ADDRESS_MAX + 1];
	for (const struct edit_rcpt *removed = edits->removed; removed; removed = removed->next) {
		const struct address whole = stamped(c, &removed->address, text);
		if (removed->address.text.len && recipients_add(to, &whole, &removed->dsn) == RECIPIENTS_NO_MEMORY)
			return false;
	}
	return true;
}

static bool is_dropped(const struct content *c, const struct recipients *removed, const struct address *rcpt)
{
	return recipients_known(removed, rcpt) || recipients_only_by(c->message->named, rcpt, removed);
}

/* The aliases that still have a member among the recipients. */
static bool collect_aliases(const struct content *c, const struct recipients *removed, struct recipients *to)
{
	const struct envelope *old = &c->envelope;
	for (size_t i = 0; i < old->rcpt_count; i++) {
		if (envelope_expanded(old, i) || is_dropped(c, removed, &old->rcpts[i]))
			continue;
		if (!recipients_add_aliases(c->message->named, &old->rcpts[i], to))
			return false;
	}
	return true;
}

static bool keep(const struct content *c, const struct recipients *removed, const struct recipients *aliases,
		 struct recipients *to)
{
	const struct envelope *old = &c->envelope;
	for (size_t i = 0; i < old->rcpt_count; i++) {
		const struct dsn_rcpt dsn = old->dsn_rcpts ? old->dsn_rcpts[i] : (struct dsn_rcpt){0};
		if (is_dropped(c, removed, &old->rcpts[i]))
			continue;
		if (dsn.expanded && !recipients_known(aliases, &old->rcpts[i]))
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
		if (added->cancelled)
			continue;
		if (recipients_add(to, &whole, &added->dsn) == RECIPIENTS_NO_MEMORY)
			return false;
	}
	return true;
}

static void name_sender(const struct content *c, const struct edits *edits, char text[ADDRESS_MAX + 1])
{
	const struct address *sender = edits->sender ? &edits->new_sender : &c->envelope.sender;
	bool bare = sender->text.len && !sender->domain.len;
	snprintf(text, ADDRESS_MAX + 1, "%.*s%s%s", SPAN_ARGS(sender->text), bare ? "@" : "",
		 bare ? c->config->local_domains[0].name : "");
}

static int make_rcpts(const struct content *c, const struct edits *edits, struct recipients *to)
{
	struct recipients removed, aliases;
	recipients_init(&removed);
	recipients_init(&aliases);
	bool fits = collect_removed(c, edits, &removed) && collect_aliases(c, &removed, &aliases) &&
		    keep(c, &removed, &aliases, to) && add(c, edits, to);
	recipients_free(&removed);
	recipients_free(&aliases);
	if (!fits)
		return to->count < ENVELOPE_RCPT_MAX ? -ENOMEM : -E2BIG;
	return to->count ? 0 : -ENOENT;
}

/* The recipients that EDITS add are named from now on, whatever aliases they are members of. */
static void name_added(struct content *c, const struct edits *edits)
{
	char text[ADDRESS_MAX + 1];
	for (const struct edit_rcpt *added = edits->added; added; added = added->next) {
		const struct address whole = stamped(c, &added->address, text);
		if (added->cancelled)
			continue;
		recipients_name(c->message->named, &whole);
		c->message->rcpts_added = true;
	}
}

int content_envelope(struct content *c, const struct edits *edits, struct str *to)
{
	struct recipients rcpts;
	char sender[ADDRESS_MAX + 1];
	recipients_init(&rcpts);
	int err = make_rcpts(c, edits, &rcpts);
	name_sender(c, edits, sender);
	envelope_write_sender(to, span_of(sender));
	envelope_write_dsn(to, &c->envelope.dsn);
	if (c->envelope.foreign)
		envelope_write_foreign(to);
	str_append(to, str_span(&rcpts.lines));
	if (!err && to->failed)
		err = -ENOMEM;
	if (!err) {
		memcpy(c->message->sender, sender, sizeof(sender));
		c->message->rcpt_count = rcpts.count;
		name_added(c, edits);
	}
	recipients_free(&rcpts);
	return err;
}
