/* Mail that waits until it is asked for: who may ask us, and whom we ask. */
#include <string.h>

#include "common/accounts/accounts.h"
#include "common/config/build.h"
#include "common/mail/domain.h"

enum { EVERY_MIN_MS = 1000, EVERY_MAX_MS = 7 * 24 * 3600 * 1000 };

static const int64_t every_default_ms = 15 * 60 * 1000;

static bool refuse(struct config_parse *parse, const struct config_item *item, const char *why)
{
	config_error(parse->findings, item->at, "\"%.*s\" in %s: %s", SPAN_ARGS(item->text), parse->setting->name, why);
	return false;
}

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
			refuse(parse, item, "no account can have this name; see mailrootctl user");
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

/* "every" and what follows it, at the end. */
static bool parse_every(struct config_parse *parse, size_t at, int64_t *ms)
{
	struct config_setting period = *parse->setting;
	struct config_parse inner = *parse;
	if (at + 2 != parse->n)
		return refuse(parse, &parse->items[at], "behind it stand a duration such as 15m, and nothing more");
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
					       : refuse(parse, &parse->items[i], "the domains to ask for come first");
		const char *domain = parse_domain(parse, &parse->items[i]);
		if (!domain)
			return false;
		etrn->domains.at[etrn->domains.n++] = domain;
	}
	return true;
}

static void check_remote(struct config_build *b, const struct config_server *server,
			 const struct config_remote_domain *remote)
{
	if (!remote->atrn_accounts.n)
		return;
	if (!remote->etrn)
		config_error(b->findings, config_check_at(b, server, remote->atrn_accounts_at),
			     "there is nothing to fetch while the mail does not wait: write etrn yes");
	if (!server->access.auth && !config_build_failed(b, &server->access.auth))
		config_error(b->findings, config_check_at(b, server, remote->atrn_accounts_at),
			     "nobody can authenticate here, and so nobody can fetch this mail: write auth plain, or "
			     "another mechanism, in access");
}

void config_check_etrn(struct config_build *b, const struct config_server *server)
{
	for (size_t i = 0; i < server->remote_domain_count; i++)
		check_remote(b, server, &server->remote_domains[i]);
	for (size_t i = 0; i < server->connector_count; i++) {
		const struct config_connector *connector = &server->connectors[i];
		if (connector->etrn_request.domains.n && connector->route.dns)
			config_error(b->findings, config_check_at(b, server, connector->etrn_request_at),
				     "whom to ask is not known with route dns: write the hosts in route");
	}
}
