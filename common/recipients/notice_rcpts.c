#include "common/recipients/notice_rcpts.h"

#include "common/base/log.h"
#include "common/mail/envelope.h"
#include "common/recipients/alias.h"

enum { ARENA_MAX = ENVELOPE_RCPT_MAX * (ADDRESS_MAX + 64) };

static bool has(const struct notice_rcpts *r, struct span address)
{
	for (size_t i = 0; i < r->n; i++)
		if (span_equal_nocase(r->at[i], address))
			return true;
	return false;
}

static bool add(struct notice_rcpts *r, struct span address)
{
	if (has(r, address))
		return true;
	const char *copy = arena_copy(&r->arena, address);
	if (copy)
		r->at[r->n++] = (struct span){copy, address.len};
	return copy != NULL;
}

static bool add_members(struct notice_rcpts *r, const struct alias *alias)
{
	for (const struct alias_address *m = alias_member(alias, NULL); m; m = alias_member(alias, m))
		if (!add(r, m->address.text))
			return false;
	return true;
}

/* FAULT: why the alias is not expanded; "" = it is. */
static void note(struct span id, const struct address *rcpt, const struct alias *alias, const char *fault)
{
	char to[ADDRESS_MAX + 1];
	span_quotable(rcpt->text, to, sizeof(to));
	if (*fault)
		log_warning(
			"notice=%.*s to=<%s> status=kept reason=\"the alias %s\" alias=%s:%u remedy=\"correct the file\"",
			SPAN_ARGS(id), to, fault, alias->at[0].origin.file, alias->at[0].origin.line);
	else
		log_info("notice=%.*s to=<%s> status=expanded members=%zu alias=%s:%u", SPAN_ARGS(id), to,
			 alias->members, alias->at[0].origin.file, alias->at[0].origin.line);
}

/* Adds RCPT, or its members if it is an alias that can be expanded. REST: recipients that are still to be added. */
static bool add_expanded(struct notice_rcpts *r, const struct config_server *server, const struct known_lists *lists,
			 struct span id, const struct address *rcpt, size_t rest)
{
	struct alias alias;
	enum alias_result result = alias_expand(server, lists, rcpt, &alias);
	if (result == ALIAS_NO_MEMORY) {
		alias_free(&alias);
		return false;
	}
	bool leads = alias.at[0].leads;
	const char *fault = alias_fault(result);
	if (!*fault && r->n + alias.members + rest > ENVELOPE_RCPT_MAX)
		fault = "leads to more addresses than the notice has room for";
	if (leads)
		note(id, rcpt, &alias, fault);
	bool added = leads && !*fault ? add_members(r, &alias) : add(r, rcpt->text);
	alias_free(&alias);
	return added;
}

bool notice_rcpts_find(const struct config_server *server, const struct known_lists *lists, struct span id,
		       struct span sender, bool copies, struct notice_rcpts *out)
{
	const struct config_words *more = &server->messages.ndr_copy_to;
	size_t count = 1 + (copies ? more->n : 0);
	*out = (struct notice_rcpts){.n = 0};
	arena_init(&out->arena, ARENA_MAX);
	out->at = arena_alloc(&out->arena, ENVELOPE_RCPT_MAX * sizeof(*out->at));
	for (size_t i = 0; out->at && i < count; i++) {
		const struct span text = i ? span_of(more->at[i - 1]) : sender;
		struct address rcpt;
		const char *why;
		bool valid = address_parse(text, &rcpt, &why) && rcpt.text.len;
		if (valid ? !add_expanded(out, server, lists, id, &rcpt, count - i - 1) : !add(out, text))
			return false;
	}
	return out->at != NULL;
}

void notice_rcpts_free(struct notice_rcpts *rcpts)
{
	arena_free(&rcpts->arena);
}
