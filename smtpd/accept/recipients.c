#include "smtpd/accept/recipients.h"

#include <string.h>

#include "common/base/hash.h"
#include "smtpd/protocol/limits.h"

enum { SLOTS_MIN = 16, LINES_KEPT = 64 * 1024 };

struct recipients_slot {
	uint32_t hash;
	uint32_t at;  /* offset of the address in `lines` */
	uint16_t len; /* 0 = free */
	uint16_t local_len;
	bool named; /* by the client, or by a filter */
	struct recipients_membership *memberships;
};

struct recipients_alias {
	struct recipients_alias *next;
	struct address name;
};

struct recipients_membership {
	struct recipients_membership *next; /* of the same recipient */
	const struct recipients_alias *alias;
};

void recipients_init(struct recipients *r)
{
	*r = (struct recipients){0};
	str_init(&r->lines, ENVELOPE_MAX);
	arena_init(&r->arena, LIMIT_RECIPIENTS_MEMORY);
}

void recipients_free(struct recipients *r)
{
	str_free(&r->lines);
	arena_free(&r->arena);
}

void recipients_reset(struct recipients *r)
{
	if (r->lines.cap > LINES_KEPT)
		str_free(&r->lines);
	str_clear(&r->lines);
	arena_reset(&r->arena);
	r->slots = NULL;
	r->aliases = NULL;
	r->spares = NULL;
	r->slot_count = r->count = r->spare_count = 0;
}

/* Addresses that address_equal calls equal have the same. */
static uint32_t hash_of(struct span text)
{
	return (uint32_t)hash_span_nocase(HASH_START, text);
}

static struct address slot_address(const struct recipients *r, const struct recipients_slot *slot)
{
	struct span text = {r->lines.at + slot->at, slot->len};
	return (struct address){text, {text.at, slot->local_len}, span_skip(text, (size_t)slot->local_len + 1)};
}

/* The slot of RCPT, or the free slot where it belongs. */
static struct recipients_slot *find(const struct recipients *r, const struct address *rcpt, uint32_t hash)
{
	size_t mask = r->slot_count - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct recipients_slot *slot = &r->slots[i];
		if (!slot->len)
			return slot;
		struct address known = slot_address(r, slot);
		if (slot->hash == hash && address_equal(&known, rcpt))
			return slot;
	}
}

static bool grow(struct recipients *r)
{
	size_t count = r->slot_count ? r->slot_count * 2 : SLOTS_MIN;
	struct recipients_slot *slots = arena_alloc(&r->arena, count * sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < r->slot_count; i++) {
		size_t at = r->slots[i].hash & (count - 1);
		if (!r->slots[i].len)
			continue;
		while (slots[at].len)
			at = (at + 1) & (count - 1);
		slots[at] = r->slots[i];
	}
	r->slots = slots;
	r->slot_count = count;
	return true;
}

static bool reserve_members(struct recipients *r, size_t members)
{
	if (r->spare_count >= members)
		return true;
	r->spares = arena_alloc(&r->arena, members * sizeof(*r->spares));
	r->spare_count = r->spares ? members : 0;
	return r->spares;
}

bool recipients_reserve(struct recipients *r, size_t n, size_t octets, size_t members)
{
	if (r->count + n > ENVELOPE_RCPT_MAX || !str_reserve(&r->lines, octets))
		return false;
	while ((r->count + n) * 2 > r->slot_count)
		if (!grow(r))
			return false;
	return reserve_members(r, members);
}

/* NULL: RCPT is none. */
static struct recipients_slot *find_known(const struct recipients *r, const struct address *rcpt)
{
	struct recipients_slot *slot = r->slot_count ? find(r, rcpt, hash_of(rcpt->text)) : NULL;
	return slot && slot->len ? slot : NULL;
}

bool recipients_known(const struct recipients *r, const struct address *rcpt)
{
	return find_known(r, rcpt);
}

static enum recipients_result add(struct recipients *r, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	if (recipients_known(r, rcpt))
		return RECIPIENTS_KNOWN;
	if (r->count >= ENVELOPE_RCPT_MAX || (r->count * 2 >= r->slot_count && !grow(r)))
		return RECIPIENTS_NO_MEMORY;
	uint32_t hash = hash_of(rcpt->text);
	struct recipients_slot *slot = find(r, rcpt, hash);
	size_t before = r->lines.len;
	envelope_write_rcpt(&r->lines, rcpt->text);
	size_t at = r->lines.len - sizeof("\r\n") + 1 - rcpt->text.len;
	envelope_write_dsn_rcpt(&r->lines, dsn);
	if (r->lines.failed) {
		r->lines.len = before;
		return RECIPIENTS_NO_MEMORY;
	}
	*slot = (struct recipients_slot){.hash = hash,
					 .at = (uint32_t)at,
					 .len = (uint16_t)rcpt->text.len,
					 .local_len = (uint16_t)rcpt->local.len};
	r->count++;
	return RECIPIENTS_ADDED;
}

enum recipients_result recipients_add(struct recipients *r, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	enum recipients_result result = add(r, rcpt, dsn);
	recipients_name(r, rcpt);
	return result;
}

struct recipients_alias *recipients_alias(struct recipients *r, const struct address *name)
{
	for (struct recipients_alias *known = r->aliases; known; known = known->next)
		if (address_equal(&known->name, name))
			return known;
	struct recipients_alias *alias = arena_alloc(&r->arena, sizeof(*alias));
	char *text = arena_copy(&r->arena, name->text);
	if (!alias || !text)
		return NULL;
	alias->name = (struct address){{text, name->text.len},
				       {text, name->local.len},
				       {text + name->text.len - name->domain.len, name->domain.len}};
	alias->next = r->aliases;
	r->aliases = alias;
	return alias;
}

static void join(struct recipients *r, const struct recipients_alias *alias, struct recipients_slot *slot)
{
	for (const struct recipients_membership *m = slot->memberships; m; m = m->next)
		if (m->alias == alias)
			return;
	if (!r->spare_count)
		return;
	r->spares[--r->spare_count] = (struct recipients_membership){slot->memberships, alias};
	slot->memberships = &r->spares[r->spare_count];
}

enum recipients_result recipients_add_member(struct recipients *r, const struct recipients_alias *alias,
					     const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	enum recipients_result result = add(r, rcpt, dsn);
	struct recipients_slot *slot = find_known(r, rcpt);
	if (slot)
		join(r, alias, slot);
	return result;
}

void recipients_name(struct recipients *r, const struct address *rcpt)
{
	struct recipients_slot *slot = find_known(r, rcpt);
	if (slot)
		slot->named = true;
}

bool recipients_add_aliases(const struct recipients *r, const struct address *rcpt, struct recipients *to)
{
	const struct recipients_slot *slot = find_known(r, rcpt);
	for (const struct recipients_membership *m = slot ? slot->memberships : NULL; m; m = m->next)
		if (recipients_add(to, &m->alias->name, &(struct dsn_rcpt){0}) == RECIPIENTS_NO_MEMORY)
			return false;
	return true;
}

bool recipients_only_by(const struct recipients *r, const struct address *rcpt, const struct recipients *gone)
{
	const struct recipients_slot *slot = find_known(r, rcpt);
	if (!slot || slot->named || !slot->memberships)
		return false;
	for (const struct recipients_membership *m = slot->memberships; m; m = m->next)
		if (!recipients_known(gone, &m->alias->name))
			return false;
	return true;
}
