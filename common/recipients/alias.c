#include "common/recipients/alias.h"

#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"

enum { ARENA_MAX = 2 << 20, ROOM_FIRST = 16 };

static bool same(const struct address *a, const struct address *b)
{
	return span_equal_nocase(a->local, b->local) && span_equal_nocase(a->domain, b->domain);
}

static bool knows(const struct alias *alias, const struct address *address, uint32_t hash)
{
	for (size_t i = 0; i < alias->n; i++)
		if (alias->at[i].hash == hash && same(&alias->at[i].address, address))
			return true;
	return false;
}

static bool grow(struct alias *alias)
{
	size_t room = alias->room ? alias->room * 2 : ROOM_FIRST;
	struct alias_address *more = arena_alloc(&alias->arena, room * sizeof(*more));
	if (!more)
		return false;
	if (alias->n)
		memcpy(more, alias->at, alias->n * sizeof(*more));
	alias->at = more;
	alias->room = room;
	return true;
}

static struct address address_in(struct span text, size_t local)
{
	return (struct address){text, {text.at, local}, span_skip(text, local + 1)};
}

/* ADDRESS, whose domain is DOMAIN if it has none, with the domain that replaces it: written to TEXT. */
static struct address resolve(const struct config_server *server, const struct address *address, struct span domain,
			      char text[ADDRESS_MAX + 1])
{
	struct span of = address->domain.len ? address->domain : domain;
	const char *stamp = config_stamp(server, of);
	if (stamp)
		of = span_of(stamp);
	snprintf(text, ADDRESS_MAX + 1, "%.*s@%.*s", SPAN_ARGS(address->local), SPAN_ARGS(of));
	return address_in(span_of(text), address->local.len);
}

/* Only a new address takes memory: members of many aliases do not use up the arena. */
static enum alias_result add(struct alias *alias, const struct address *address, unsigned depth)
{
	uint32_t hash = (uint32_t)hash_span_nocase(HASH_START, address->text);
	if (knows(alias, address, hash))
		return ALIAS_EXPANDED;
	if (alias->n > ALIAS_ADDRESSES_MAX)
		return ALIAS_TOO_MANY;
	const char *copy = arena_copy(&alias->arena, address->text);
	if (!copy || (alias->n == alias->room && !grow(alias)))
		return ALIAS_NO_MEMORY;
	const struct address kept = address_in((struct span){copy, address->text.len}, address->local.len);
	alias->at[alias->n++] = (struct alias_address){.address = kept, .hash = hash, .depth = depth};
	return ALIAS_EXPANDED;
}

static void make_member(struct alias *alias, size_t i)
{
	alias->members += !alias->at[i].member;
	alias->at[i].member = true;
}

/* Adds the addresses to which alias I leads. */
static enum alias_result follow(const struct config_server *server, struct alias *alias, size_t i)
{
	struct recipient_finding rest = alias->at[i].found;
	enum alias_result result = ALIAS_EXPANDED;
	struct span text;
	while (result == ALIAS_EXPANDED && recipient_map_target(&rest, &text)) {
		char whole[ADDRESS_MAX + 1];
		struct address target;
		const char *why;
		alias->walked++;
		if (!address_parse(text, &target, &why) || !target.text.len)
			continue;
		target = resolve(server, &target, alias->at[i].address.domain, whole);
		if (same(&target, &alias->at[i].address))
			make_member(alias, i);
		else
			result = add(alias, &target, alias->at[i].depth + 1);
	}
	return result;
}

/* Makes address I a member, or adds the addresses to which it leads. */
static enum alias_result expand(const struct config_server *server, const struct known_lists *lists,
				struct alias *alias, size_t i)
{
	struct known_decision decision;
	known_decide(server, lists, &alias->at[i].address, &decision);
	if (decision.verdict == KNOWN_LATER) {
		alias->fault = decision.origin;
		return ALIAS_LATER;
	}
	if (decision.verdict != KNOWN_LEADS) {
		make_member(alias, i);
		return ALIAS_EXPANDED;
	}
	alias->at[i].leads = true;
	alias->at[i].origin = alias->fault = decision.origin;
	alias->at[i].found = decision.found;
	return alias->at[i].depth < ALIAS_DEPTH_MAX ? follow(server, alias, i) : ALIAS_TOO_DEEP;
}

enum alias_result alias_expand(const struct config_server *server, const struct known_lists *lists,
			       const struct address *rcpt, struct alias *out)
{
	char text[ADDRESS_MAX + 1];
	const struct address first = resolve(server, rcpt, rcpt->domain, text);
	*out = (struct alias){.n = 0};
	arena_init(&out->arena, ARENA_MAX);
	enum alias_result result = add(out, &first, 0);
	for (size_t i = 0; result == ALIAS_EXPANDED && i < out->n; i++)
		result = expand(server, lists, out, i);
	if (result == ALIAS_EXPANDED && !out->members) {
		out->fault = out->at[0].origin;
		return ALIAS_LOOP;
	}
	return result;
}

void alias_free(struct alias *alias)
{
	arena_free(&alias->arena);
}

const struct alias_address *alias_member(const struct alias *alias, const struct alias_address *at)
{
	for (at = at ? at + 1 : alias->at; at < alias->at + alias->n; at++)
		if (at->member)
			return at;
	return NULL;
}
