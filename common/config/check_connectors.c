/* Connectors: their address spaces and conditions, and connectors that would never get mail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/check.h"
#include "common/config/connector.h"
#include "common/mail/domain.h"

/* One address space of one connector. */
struct claim {
	const struct config_connector *connector;
	const struct config_space *space;
};

/* By pattern; for one pattern in the order in which they are tried. */
static int by_pattern(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->space->pattern, y->space->pattern);
	if (order)
		return order;
	if (x->space->cost != y->space->cost)
		return x->space->cost < y->space->cost ? -1 : 1;
	if (x->connector != y->connector)
		return x->connector < y->connector ? -1 : 1;
	return x->space < y->space ? -1 : x->space > y->space;
}

static bool takes_all(const struct config_build *b, const struct config_connector *c)
{
	return c->max_message_size == CONFIG_NONE && !c->senders.n && !c->senders_refused.n &&
	       !config_build_failed(b, &c->max_message_size) && !config_build_failed(b, &c->senders) &&
	       !config_build_failed(b, &c->senders_refused);
}

static struct config_origin place_of(const struct claim *claim)
{
	return claim->space->origin.line ? claim->space->origin : claim->connector->origin;
}

static struct claim *sorted_claims(struct config_build *b, const struct config_server *server, size_t *n)
{
	size_t most = 0;
	for (size_t i = 0; i < server->connector_count; i++)
		most += server->connectors[i].address_space.n;
	struct claim *list = reallocarray(NULL, most + 1, sizeof(*list));
	*n = 0;
	if (!list) {
		b->findings->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < server->connector_count; i++)
		for (size_t k = 0; k < server->connectors[i].address_space.n; k++)
			list[(*n)++] =
				(struct claim){&server->connectors[i], &server->connectors[i].address_space.at[k]};
	qsort(list, *n, sizeof(*list), by_pattern);
	return list;
}

/* A higher cost does not mean a fallback: a connector after one that takes all mail of the pattern gets no mail. */
static void check_order(struct config_build *b, const struct config_server *server, const struct claim *list, size_t n)
{
	const struct claim *first = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct claim *claim = &list[i];
		const char *pattern = claim->space->pattern;
		if (first && strcmp(first->space->pattern, pattern))
			first = NULL;
		if (first)
			config_error(
				b->findings, config_build_at(b, server, place_of(claim)),
				_("this connector would never get mail for %s: connector %s at %s:%u takes all of it; add the hosts to the route there, or remove %s from one of the two"),
				pattern, first->connector->name ? first->connector->name : "?",
				first->connector->origin.file, first->connector->origin.line, pattern);
		else if (takes_all(b, claim->connector))
			first = claim;
	}
}

static void check_smart_host(struct config_build *b, const struct config_server *server, const struct claim *list,
			     size_t n)
{
	for (size_t i = 0; server->smart_host.n && i < n; i++) {
		if (strcmp(list[i].space->pattern, "*") || !takes_all(b, list[i].connector))
			continue;
		config_error(
			b->findings, config_build_at(b, server, place_of(&list[i])),
			_("smart_host at %s:%u would never get mail, because this connector takes the mail of all domains (*): remove one of them, or give the connector another address_space"),
			server->smart_host_at.file, server->smart_host_at.line);
		return;
	}
}

static void check_name(struct config_build *b, const struct config_server *server,
		       const struct config_connector *connector)
{
	for (const struct config_connector *other = server->connectors; connector->name && other < connector; other++)
		if (other->name && !strcasecmp(other->name, connector->name)) {
			config_error(b->findings, config_build_at(b, server, connector->origin),
				     _("connector %s is given twice: first at %s:%u"), connector->name,
				     other->origin.file, other->origin.line);
			return;
		}
}

/* The outbound block of a remote domain applies to the domain's hosts; that of a connector to the connector's hosts. */
static void check_outbound(struct config_build *b, const struct config_server *server,
			   const struct config_remote_domain *remote)
{
	struct connector_choice choice;
	const char *name = remote->name ? remote->name : "";
	char any[DOMAIN_MAX + 2]; /* a name that the pattern matches */
	if (!remote->has_outbound || remote->route.dns || remote->route.hosts.n)
		return;
	snprintf(any, sizeof(any), "%s%s", name[0] == '*' ? "x" : "", name[0] == '*' ? name + 1 : name);
	if (!connector_find(server, span_of(any), NULL, &choice) || !choice.connector->has_outbound)
		return;
	config_warning(
		b->findings, config_build_at(b, server, remote->origin),
		_("its outbound block has no effect on mail that connector %s at %s:%u takes, which has an outbound block of its own"),
		choice.connector->name ? choice.connector->name : "?", choice.connector->origin.file,
		choice.connector->origin.line);
}

void config_check_connectors(struct config_build *b, const struct config_server *server)
{
	struct claim *list;
	size_t n;
	for (size_t i = 0; i < server->connector_count; i++) {
		const struct config_connector *connector = &server->connectors[i];
		check_name(b, server, connector);
		if (!connector->route.dns && !connector->route.hosts.n && !config_build_failed(b, &connector->route))
			config_error(b->findings, config_build_at(b, server, connector->origin),
				     _("a connector needs route: write route [192.0.2.10], or route dns"));
	}
	for (size_t i = 0; i < server->remote_domain_count; i++)
		check_outbound(b, server, &server->remote_domains[i]);
	list = sorted_claims(b, server, &n);
	if (!list)
		return;
	check_order(b, server, list, n);
	check_smart_host(b, server, list, n);
	free(list);
}
