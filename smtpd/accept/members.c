#include "smtpd/accept/members.h"

#include <string.h>

/* Octets of the envelope lines of a recipient beside its address: their names, NOTIFY and ORCPT. */
enum { LINES_MAX = DSN_ORCPT_MAX + 200, TYPE = sizeof("rfc822;") - 1 };

size_t members_new(const struct recipients *r, const struct alias *alias)
{
	size_t n = 0;
	for (const struct alias_address *m = alias_member(alias, NULL); m; m = alias_member(alias, m))
		n += !recipients_known(r, &m->address);
	return n;
}

static bool reserve(struct recipients *r, const struct alias *alias, const struct address *rcpt)
{
	size_t octets = LINES_MAX + rcpt->text.len;
	for (const struct alias_address *m = alias_member(alias, NULL); m; m = alias_member(alias, m))
		octets += LINES_MAX + m->address.text.len;
	return recipients_reserve(r, members_new(r, alias) + 1, octets, alias->members);
}

static void name_alias(const struct address *rcpt, char to[DSN_ORCPT_MAX + 1], struct dsn_rcpt *dsn)
{
	memcpy(to, "rfc822;", TYPE);
	if (dsn_encode(rcpt->text, to + TYPE, DSN_ORCPT_MAX + 1 - TYPE))
		dsn->orcpt = span_of(to);
}

static unsigned without_success(unsigned notify)
{
	unsigned rest = notify & ~(unsigned)DSN_SUCCESS;
	return notify && !rest ? DSN_NEVER : rest;
}

enum recipients_result members_add(struct recipients *r, const struct alias *alias, const struct address *rcpt,
				   const struct dsn_rcpt *dsn, bool tells)
{
	char orcpt[DSN_ORCPT_MAX + 1];
	struct dsn_rcpt whole = *dsn;
	enum recipients_result result = RECIPIENTS_KNOWN;
	const struct recipients_alias *from = recipients_alias(r, rcpt);
	if (!from || !reserve(r, alias, rcpt))
		return RECIPIENTS_NO_MEMORY;
	if (!whole.orcpt.len)
		name_alias(rcpt, orcpt, &whole);
	struct dsn_rcpt part = whole, expanded = {.notify = dsn->notify, .orcpt = dsn->orcpt, .expanded = true};
	if (alias->members > 1)
		part.notify = without_success(part.notify);
	for (const struct alias_address *m = alias_member(alias, NULL); m; m = alias_member(alias, m))
		if (recipients_add_member(r, from, &m->address, m->depth ? &part : dsn) == RECIPIENTS_ADDED)
			result = RECIPIENTS_ADDED;
	if (tells && alias->members > 1 && dsn->notify & DSN_SUCCESS)
		recipients_add(r, rcpt, &expanded);
	return result;
}
