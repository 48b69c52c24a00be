/* The settings of ETRN and ATRN: the accounts that may fetch mail, and the domains to request from other hosts. */
#include <string.h>

#include "common/accounts/accounts.h"
#include "common/base/language.h"
#include "common/config/value.h"

enum { EVERY_MIN_MS = 1000, EVERY_MAX_MS = 7 * 24 * 3600 * 1000 };

static const int64_t every_default_ms = 15 * 60 * 1000;

static bool make_room(struct config_parse *parse, struct config_words *list)
{
	list->n = 0;
	list->at = arena_alloc(parse->arena, parse->n * sizeof(*list->at));
	if (!list->at)
		parse->findings->no_memory = true;
	return list->at != NULL;
}

bool config_etrn_accounts(struct config_parse *parse, void *to)
{
	struct config_words *list = to;
	size_t n = config_value_is_none(parse) ? 0 : parse->n;
	if (!make_room(parse, list))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct config_item *item = &parse->items[i];
		if (account_name_valid(item->text))
			list->n += (list->at[list->n] = config_value_keep(parse, item->text)) != NULL;
		else
			config_value_refuse(parse, item, N_("no account can have this name; see mailrootctl user"));
	}
	return list->n == n;
}

/* DOMAIN or @DOMAIN. */
static const char *parse_domain(struct config_parse *parse, const struct config_item *item)
{
	struct config_item domain = *item;
	bool below = span_starts(item->text, SPAN("@"));
	domain.text = span_skip(item->text, below);
	const char *name = config_value_domain(parse, &domain);
	struct span text = name ? span_of(name) : SPAN("");
	char *kept = name ? arena_alloc(parse->arena, text.len + 2) : NULL;
	if (!kept)
		return NULL;
	kept[0] = '@';
	memcpy(kept + below, text.at, text.len);
	kept[below + text.len] = '\0';
	return kept;
}

/* "every" and a duration, at the end. */
static bool parse_every(struct config_parse *parse, size_t at, int64_t *ms)
{
	struct config_setting period = *parse->setting;
	struct config_parse inner = *parse;
	if (at + 2 != parse->n)
		return config_value_refuse(parse, &parse->items[at],
					   N_("it must be followed by a duration such as 15m and nothing else"));
	period.type = CONFIG_DURATION;
	period.min = EVERY_MIN_MS;
	period.max = EVERY_MAX_MS;
	inner.setting = &period;
	return config_value_duration(&inner, &parse->items[at + 1], ms);
}

bool config_etrn_request(struct config_parse *parse, void *to)
{
	struct config_etrn *etrn = to;
	etrn->every_ms = every_default_ms;
	if (!make_room(parse, &etrn->domains))
		return false;
	if (config_value_is_none(parse))
		return true;
	for (size_t i = 0; i < parse->n; i++) {
		if (span_equal_nocase(parse->items[i].text, SPAN("every")))
			return etrn->domains.n ? parse_every(parse, i, &etrn->every_ms)
					       : config_value_refuse(parse, &parse->items[i],
								     N_("the domains must come first"));
		const char *domain = parse_domain(parse, &parse->items[i]);
		if (!domain)
			return false;
		etrn->domains.at[etrn->domains.n++] = domain;
	}
	return true;
}
