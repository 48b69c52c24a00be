/* Aliases in words: in the log, for explain, and those that can't be expanded for status. */
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "common/recipients/alias.h"

enum { ADDRESSES_MAX = 8 * ADDRESS_MAX };

const char *alias_fault(enum alias_result result)
{
	static const char *const faults[ALIAS_RESULT_COUNT] = {
		[ALIAS_EXPANDED] = "",
		[ALIAS_LOOP] = N_("leads only back to itself"),
		[ALIAS_TOO_DEEP] = N_("leads over more than 10 aliases behind one another"),
		[ALIAS_TOO_MANY] = N_("leads to more than 1000 addresses"),
		[ALIAS_LATER] = N_("leads into a domain whose list can't be used"),
		[ALIAS_NO_MEMORY] = N_("can't be expanded without memory"),
	};
	return faults[result];
}

void alias_log(const struct alias *alias, enum alias_result result, const char *client, const char *sender,
	       const struct address *rcpt)
{
	char to[ADDRESS_MAX + 1], from[ADDRESS_MAX + 1], first[ADDRESS_MAX + 1] = "";
	span_quotable(rcpt->text, to, sizeof(to));
	span_quotable(span_of(sender), from, sizeof(from));
	if (result != ALIAS_EXPANDED) {
		log_warning(
			"client=%s from=<%s> to=<%s> status=refused reason=\"the alias %s\" alias=%s:%u remedy=\"correct the file\"",
			client, from, to, alias_fault(result), alias->fault.file ? alias->fault.file : "-",
			alias->fault.line);
		return;
	}
	span_quotable(alias_member(alias, NULL)->address.text, first, sizeof(first));
	log_info("client=%s from=<%s> to=<%s> status=expanded members=%zu first=<%s> alias=%s:%u", client, from, to,
		 alias->members, first, alias->at[0].origin.file, alias->at[0].origin.line);
}

void alias_format(const struct alias_address *at, struct str *to)
{
	struct str targets;
	str_init(&targets, ADDRESSES_MAX);
	known_format_targets(&at->found, &targets);
	str_printf(to, N_("alias %.*s leads to %s"), SPAN_ARGS(at->address.text), str_text(&targets));
	str_free(&targets);
}

void alias_format_members(const struct alias *alias, enum alias_result result, struct str *to)
{
	enum { SHOWN_MAX = 5 };
	const struct alias_address *m = NULL;
	struct str members;
	if (result != ALIAS_EXPANDED) {
		str_printf(to, N_("the alias %s: refused for now"), alias_fault(result));
		return;
	}
	str_init(&members, ADDRESSES_MAX);
	for (size_t i = 0; i < SHOWN_MAX && (m = alias_member(alias, m)); i++)
		str_printf(&members, "%s%.*s", i ? " " : "", SPAN_ARGS(m->address.text));
	if (alias->members == 1)
		str_printf(to, N_("so mail goes to 1 address: %s"), str_text(&members));
	else if (alias->members <= SHOWN_MAX)
		str_printf(to, N_("so mail goes to %zu addresses: %s"), alias->members, str_text(&members));
	else
		str_printf(to, N_("so mail goes to %zu addresses: %s and %zu more"), alias->members, str_text(&members),
			   alias->members - SHOWN_MAX);
	str_free(&members);
}

/* What an administrator is to correct; NULL = it is no fault of the alias. */
static const char *const broken[ALIAS_RESULT_COUNT] = {
	[ALIAS_LOOP] = N_(
		"recipients %s, line %u: the alias leads only back to itself; its mail is put off with 451 until the line is corrected"),
	[ALIAS_TOO_DEEP] = N_(
		"recipients %s, line %u: the alias leads over more than 10 aliases behind one another; its mail is put off with 451 until the line is corrected"),
	[ALIAS_TOO_MANY] = N_(
		"recipients %s, line %u: the alias leads to more than 1000 addresses; its mail is put off with 451 until the line is corrected"),
};

/* Where broken aliases are looked for, and what was found. */
struct search {
	const struct config_server *server;
	const struct known_lists *lists;
	size_t examined, walked, lines;
	struct str *to;
};

/* An alias of FILE. Without DOMAIN it is in all domains of the file, of which BLOCK has the first. */
static void examine(struct search *s, const char *file, struct span local, struct span domain,
		    const struct config_recipients *block)
{
	char text[ADDRESS_MAX + 1];
	struct address address;
	struct alias alias;
	const char *why;
	if (!domain.len)
		domain = span_of(block->name);
	snprintf(text, sizeof(text), "%.*s@%.*s", SPAN_ARGS(local), SPAN_ARGS(domain));
	if (!local.len || !address_parse(span_of(text), &address, &why))
		return;
	s->examined++;
	enum alias_result result = alias_expand(s->server, s->lists, &address, &alias);
	s->walked += alias.walked;
	s->lines += broken[result] != NULL;
	if (broken[result] && s->lines <= ALIAS_TROUBLE_LINES) {
		str_printf(s->to, broken[result], file, alias.at[0].origin.line);
		str_append_c(s->to, '\n');
	}
	alias_free(&alias);
}

static void examine_list(struct search *s, const struct known_list *list, const struct config_recipients *block)
{
	struct recipient_finding finding;
	struct span local, domain;
	size_t at = 0;
	while (s->examined < ALIAS_EXAMINED && s->walked < ALIAS_WALKED &&
	       recipient_map_next(list->map, &at, &local, &domain, &finding))
		if (finding.answer == RECIPIENT_LEADS)
			examine(s, list->file, local, domain, block);
}

static bool find_block(const struct config_server *server, const char *file, struct config_recipients *block)
{
	for (size_t i = 0; config_recipients_block(server, i, block); i++)
		if (strcmp(block->file, file) == 0)
			return true;
	return false;
}

void alias_trouble(const struct config_server *server, const struct known_lists *lists, const char *file,
		   struct str *to)
{
	struct search s = {.server = server, .lists = lists, .to = to};
	struct config_recipients block;
	for (size_t i = 0; lists && i < lists->n; i++)
		if (lists->at[i].map && (!file || strcmp(lists->at[i].file, file) == 0) &&
		    find_block(server, lists->at[i].file, &block))
			examine_list(&s, &lists->at[i], &block);
	if (s.lines > ALIAS_TROUBLE_LINES)
		str_printf(to, N_("%zu more aliases can't be expanded\n"), s.lines - ALIAS_TROUBLE_LINES);
}
