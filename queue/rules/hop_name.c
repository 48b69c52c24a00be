#include "queue/rules/hop_name.h"

#include <stdio.h>

#include "common/base/ascii.h"
#include "common/base/hash.h"

enum { KEY_TEXT_MAX = ROUTE_HOSTS_MAX * 300 /* of each host: a name of 255 octets, a port, brackets */ };

uint16_t hop_name_port(const struct config_host *host, const struct config_outbound *outbound)
{
	return host->port ? host->port : (uint16_t)outbound->port;
}

static void append_host(struct str *to, const struct config_host *host, uint16_t port)
{
	char ip[IPADDR_TEXT_MAX];
	const char *name = host->name;
	if (host->kind == CONFIG_HOST_IP) {
		ipaddr_format(&host->ip, ip);
		name = ip;
	}
	const char *form = host->kind == CONFIG_HOST_MX ? "%s%s:%u" : "%s[%s]:%u";
	str_printf(to, form, to->len ? " " : "", name, port);
	if (host->weight)
		str_printf(to, " weight %u", host->weight);
}

static void append_block(struct str *to, const char *word, const struct route_block *block)
{
	char text[ROUTE_BLOCK_MAX];
	if (!block || !block->of)
		return;
	route_block_format(block, text);
	str_printf(to, "%s%s", word, text);
}

static void append_list(struct str *to, const struct route *route)
{
	for (size_t i = 0; i < route->hosts->n; i++)
		append_host(to, &route->hosts->at[i], hop_name_port(&route->hosts->at[i], route->outbound));
}

static void append_lower(struct str *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		str_append_c(to, ascii_lower(text.at[i]));
}

/* The mailbox that sends, where each message has its own. */
static void append_mailbox(struct str *to, const struct route *route)
{
	if (!route->mailbox.len)
		return;
	str_append_text(to, " from ");
	append_lower(to, route->mailbox);
}

static void append_hosts(struct str *to, const struct route *route)
{
	char ip[IPADDR_TEXT_MAX];
	switch (route->kind) {
	case ROUTE_HOSTS:
		append_list(to, route);
		break;
	case ROUTE_MX:
		str_append_text(to, "mx:");
		append_lower(to, route->domain);
		str_printf(to, ":%u", (unsigned)route->outbound->port);
		break;
	default:
		ipaddr_format(&route->literal, ip);
		str_printf(to, "[%s]:%u", ip, (unsigned)route->outbound->port);
	}
	if (route->kind != ROUTE_HOSTS && route->hosts) {
		str_append_text(to, " else");
		append_list(to, route);
	}
}

static void append_manner(struct str *to, const struct route *route)
{
	if (route->outbound->use_helo)
		str_append_text(to, " helo");
	append_block(to, " by ", route->security.name ? &route->security : NULL);
	append_block(to, " as ", &route->credentials);
	append_mailbox(to, route);
	if (route->mailbox.len)
		return;
	if (route->identity && route->identity->send_as)
		str_printf(to, " from %s", route->identity->send_as);
	else if (route->identity && route->identity->notice_sender)
		str_printf(to, " notices from %s", route->identity->notice_sender);
}

static void append_route(struct str *to, const struct route *route)
{
	append_hosts(to, route);
	append_manner(to, route);
	if (route->etrn) {
		str_append_text(to, " etrn ");
		append_lower(to, route->domain);
	}
}

void hop_name_format(const struct route *route, const char *folder, char *to)
{
	struct str text;
	str_init(&text, KEY_TEXT_MAX);
	if (route->kind == ROUTE_DROP)
		str_append_text(&text, folder);
	else
		append_route(&text, route);
	/* A list of hosts that is too long for a name is cut; the hash of the full text tells it apart. */
	if (text.len < HOP_NAME_MAX)
		snprintf(to, HOP_NAME_MAX, "%s", str_text(&text));
	else
		snprintf(to, HOP_NAME_MAX, "%.900s... %016llx", str_text(&text),
			 (unsigned long long)hash_span(HASH_START, str_span(&text)));
	str_free(&text);
}

/*
 * The name consists of the hosts and of the block that sets the limits: a provider counts all mail of one customer,
 * whatever else differs between our next hops; of each mailbox, where each message has its own. Mail that may fall back
 * to a smart host counts there from the start.
 */
void hop_name_provider(const struct route *route, struct str *to)
{
	if (route->hosts)
		append_list(to, route);
	else
		append_hosts(to, route);
	append_block(to, " ", &route->limits);
	append_mailbox(to, route);
}

uint64_t hop_name_manner(const struct route *route)
{
	struct str text;
	str_init(&text, KEY_TEXT_MAX);
	append_manner(&text, route);
	uint64_t hash = hash_span(HASH_START, str_span(&text));
	str_free(&text);
	return hash;
}
