/* DKIM: blocks that could sign nothing. */
#include "common/config/check.h"

#include <string.h>

#include "common/base/language.h"

static void check_selectors(struct config_build *b, const struct config_server *server, const struct config_dkim *dkim)
{
	const struct config_selectors *list = &dkim->selector;
	if (config_build_failed(b, list))
		return;
	if (!list->n)
		config_error(b->findings,
			     config_build_at(b, server, dkim->selector_at.line ? dkim->selector_at : dkim->origin),
			     _("dkim needs a key: write selector NAME KEYFILE; mailrootctl dkim keygen makes a key"));
	for (size_t i = 1; i < list->n; i++) {
		size_t first = 0;
		while (strcmp(list->at[first].name, list->at[i].name) != 0)
			first++;
		if (first < i)
			config_error(
				b->findings, config_build_at(b, server, list->at[i].origin),
				_("selector %s is given twice: DNS has one key under this name; remove one of the two lines"),
				list->at[i].name);
	}
}

static void check_twice(struct config_build *b, const struct config_server *server, const struct config_dkim *dkim)
{
	const struct config_dkim *first = server->dkims;
	while (dkim->name && first < dkim && (!first->name || strcmp(first->name, dkim->name) != 0))
		first++;
	if (dkim->name && first < dkim)
		config_error(b->findings, config_build_at(b, server, dkim->origin),
			     _("dkim %s is given twice: first at %s:%u"), dkim->name, first->origin.file,
			     first->origin.line);
}

/* Without hosts of its own, mail goes the way of the virtual server, whose auth then counts. */
static bool route_signs(const struct config_route *route, const struct config_outbound *outbound)
{
	bool own = route->dns || route->hosts.n;
	return own ? config_outbound_signs(outbound, outbound->auth != CONFIG_AUTH_OFF) : outbound->dkim == CONFIG_YES;
}

/* Some mail of SERVER leaves with a signature. */
static bool signs(const struct config_server *server)
{
	const struct config_outbound *whole = &server->outbound;
	bool by_mx = !server->smart_host.n || server->direct_first;
	if (config_outbound_signs(whole, !by_mx && whole->auth != CONFIG_AUTH_OFF))
		return true;
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (route_signs(&server->remote_domains[i].route, &server->remote_domains[i].outbound))
			return true;
	for (size_t i = 0; i < server->connector_count; i++)
		if (route_signs(&server->connectors[i].route, &server->connectors[i].outbound))
			return true;
	return false;
}

/* The sender that all mail of SERVER gets in From; NULL = there is none. */
static const char *only_sender(const struct config_server *server)
{
	const struct config_outbound *whole = &server->outbound;
	bool one_way = server->smart_host.n && !server->remote_domain_count && !server->connector_count;
	bool by_sender = whole->username && strcmp(whole->username, "sender") == 0;
	return one_way && whole->send_as_header && !by_sender ? whole->send_as : NULL;
}

static void check_use(struct config_build *b, const struct config_server *server, const struct config_dkim *dkim)
{
	const char *sender = only_sender(server), *at = sender ? strrchr(sender, '@') : NULL;
	if (!dkim->name)
		return;
	if (!signs(server))
		config_warning(
			b->findings, config_build_at(b, server, dkim->origin),
			_("dkim %s has no effect: all mail goes to hosts to which we authenticate, which sign by themselves, or dkim is no; if yours does not sign, write dkim yes in its outbound block"),
			dkim->name);
	else if (at && config_dkim_find(server, span_of(at + 1)) != dkim)
		config_warning(
			b->findings, config_build_at(b, server, dkim->origin),
			_("dkim %s has no effect: all mail is sent as %s (send_as), so its From is never in this domain"),
			dkim->name, sender);
}

void config_check_dkim(struct config_build *b, const struct config_server *server)
{
	for (size_t i = 0; i < server->dkim_count; i++) {
		const struct config_dkim *dkim = &server->dkims[i];
		check_selectors(b, server, dkim);
		check_twice(b, server, dkim);
		check_use(b, server, dkim);
	}
}
