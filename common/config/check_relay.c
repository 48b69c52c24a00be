/* Which clients may connect and relay: refuses what can't be intended, such as open relays (mailroot.conf(5),
 * relay). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/check.h"

/*
 * Prefix lengths. A single network is refused below REFUSED_BELOW, and warned of below WARNED_BELOW. A whole list is
 * refused if its networks together are as large as two /8 of IPv4, a 128th of all, or two /12 of IPv6, of which the
 * Internet has five. Narrow networks do not count, however many there are.
 */
enum {
	REFUSED_BELOW = 8,
	WARNED_BELOW = 16,
	COUNTED_BELOW = 25,
	V4_SHARE_MAX = 2 << (COUNTED_BELOW - 8),
	V6_SHARE_MAX = 2 << (COUNTED_BELOW - 12)
};

/* IPv6 networks that contain IPv4 addresses, so a list that has them has IPv4 addresses. */
static const char *const v4_inside[] = {"::ffff:0:0/96", "64:ff9b::/96", "2002::/16"};

/*
 * The prefix length of NET, and in *v4 whether it is one of IPv4. An IPv6 network with IPv4 addresses counts as IPv4;
 * the result is 0 if it has all of IPv4.
 */
static unsigned prefix_of(const struct cidr *net, bool *v4)
{
	for (size_t i = 0; i < sizeof(v4_inside) / sizeof(v4_inside[0]); i++) {
		struct cidr whole;
		const char *why;
		if (!cidr_parse(span_of(v4_inside[i]), &whole, &why))
			continue;
		*v4 = true;
		if (net->bits >= whole.bits && cidr_contains(&whole, &net->base))
			return net->bits - whole.bits;
		if (cidr_contains(net, &whole.base))
			return 0;
	}
	*v4 = false;
	return net->bits;
}

/* "*" or "*.tld": every domain, or a large part of all domains. */
static bool is_wide(const char *pattern)
{
	return pattern && pattern[0] == '*' && (!pattern[1] || !strchr(pattern + 2, '.'));
}

/* "*.co.jp" and similar patterns, in which anybody can register a name. Only the most common ones are known. */
static bool is_registry(const char *pattern)
{
	static const char *const second[] = {"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"};
	if (!pattern || strncmp(pattern, "*.", 2))
		return false;
	size_t len = strcspn(pattern + 2, ".");
	const char *country = pattern + 2 + len;
	if (strlen(country) != 3 || strchr(country + 1, '.'))
		return false;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++)
		if (len == strlen(second[i]) && !strncmp(pattern + 2, second[i], len))
			return true;
	return false;
}

static void check_name(struct config_build *b, const struct config_server *server, const struct config_client *client)
{
	struct config_at at = config_build_at(b, server, client->origin);
	if (is_wide(client->name))
		config_error(
			b->findings, at,
			_("open relay: %s lets anybody send mail anywhere; list your own domains; if an open relay is intended, write open_relay_intended yes in relay"),
			client->text);
	else if (is_registry(client->name))
		config_warning(b->findings, at, _("anybody can have a host in %s, and all these hosts may relay"),
			       client->text);
}

static void check_network(struct config_build *b, const struct config_server *server,
			  const struct config_client *client)
{
	bool v4;
	unsigned prefix = prefix_of(&client->net, &v4);
	if (prefix >= WARNED_BELOW || cidr_is_private(&client->net))
		return;
	if (prefix < REFUSED_BELOW)
		config_error(
			b->findings, config_build_at(b, server, client->origin),
			_("open relay: %s lets anybody send mail anywhere; list your own networks; if an open relay is intended, write open_relay_intended yes in relay"),
			client->text);
	else
		config_warning(b->findings, config_build_at(b, server, client->origin),
			       _("%s is a large public network, and all its hosts may relay"), client->text);
}

/* By address, then by prefix length, so that a network comes before the networks that it contains. */
static int by_base(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int order = memcmp(x->base.octets, y->base.octets, sizeof(x->base.octets));
	return order ? order : (x->bits > y->bits) - (x->bits < y->bits);
}

/* The public networks of LIST that are wide enough to count, sorted; NULL without memory. */
static struct cidr *public_networks(const struct config_clients *list, size_t *n)
{
	struct cidr *nets = reallocarray(NULL, list->n + 1, sizeof(*nets));
	bool v4;
	*n = 0;
	for (size_t i = 0; nets && i < list->n; i++)
		if (!list->at[i].name && !cidr_is_private(&list->at[i].net) &&
		    prefix_of(&list->at[i].net, &v4) < COUNTED_BELOW)
			nets[(*n)++] = list->at[i].net;
	if (nets)
		qsort(nets, *n, sizeof(*nets), by_base);
	return nets;
}

/* Networks that are acceptable one by one may together be half of the Internet. */
static void check_union(struct config_build *b, const struct config_server *server)
{
	const struct config_clients *list = &server->relay.list;
	uint64_t share[2] = {0, 0};
	size_t n;
	struct cidr *nets = public_networks(list, &n), *outer = NULL;
	for (size_t i = 0; nets && i < n; i++) {
		bool v4;
		unsigned prefix = prefix_of(&nets[i], &v4);
		if (outer && cidr_contains(outer, &nets[i].base))
			continue;
		outer = &nets[i];
		share[v4] += UINT64_C(1) << (COUNTED_BELOW - prefix);
	}
	free(nets);
	if (!nets)
		b->findings->no_memory = true;
	else if (share[true] >= V4_SHARE_MAX || share[false] >= V6_SHARE_MAX)
		config_error(
			b->findings, config_build_at(b, server, server->relay.list_at),
			_("open relay: the public networks in this list together let a large part of the Internet send mail anywhere; list your own networks; if an open relay is intended, write open_relay_intended yes in relay"));
}

static void check_clients(struct config_build *b, const struct config_server *server)
{
	const struct config_clients *list = &server->relay.list;
	unsigned before = b->findings->errors;
	for (size_t i = 0; i < list->n; i++) {
		if (list->at[i].name)
			check_name(b, server, &list->at[i]);
		else
			check_network(b, server, &list->at[i]);
	}
	if (b->findings->errors == before)
		check_union(b, server);
}

/* A host that may name the client may name one that relays. */
static void check_naming(struct config_build *b, const struct config_server *server, const struct config_clients *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct config_client *host = &list->at[i];
		bool v4;
		if (!host->name && !cidr_is_private(&host->net) && prefix_of(&host->net, &v4) < REFUSED_BELOW)
			config_error(
				b->findings, config_build_at(b, server, host->origin),
				_("open relay: any host in %s could say that a client which may relay has connected; list the hosts one by one; if an open relay is intended, write open_relay_intended yes in relay"),
				host->text);
	}
}

static void check_relayed(struct config_build *b, const char *pattern, struct config_at at)
{
	if (is_wide(pattern))
		config_error(
			b->findings, at,
			_("open relay: anybody could send mail to %s; name the domains; if an open relay is intended, write open_relay_intended yes in relay"),
			pattern);
	else if (is_registry(pattern))
		config_warning(b->findings, at, _("anybody could send mail to every domain in %s"), pattern);
}

static void check_domains(struct config_build *b, const struct config_server *server)
{
	for (size_t i = 0; i < server->remote_domain_count; i++) {
		const struct config_remote_domain *remote = &server->remote_domains[i];
		if (remote->relay)
			check_relayed(b, remote->name, config_build_at(b, server, remote->relay_at));
	}
	for (size_t i = 0; i < server->connector_count; i++) {
		const struct config_connector *connector = &server->connectors[i];
		for (size_t n = 0; connector->relay && n < connector->address_space.n; n++)
			check_relayed(b, connector->address_space.at[n].pattern,
				      config_build_at(b, server, connector->relay_at));
	}
}

void config_check_connect(struct config_build *b, const struct config_server *server)
{
	const struct config_connect *connect = &server->connect;
	for (size_t i = 0; connect->allow == CONFIG_ALL_EXCEPT_LISTED && i < connect->list.n; i++)
		if (connect->list.at[i].name && !strcmp(connect->list.at[i].name, "*"))
			config_error(b->findings, config_build_at(b, server, connect->list.at[i].origin),
				     _("no client could connect: * is every client, and allow is all-except-listed"));
	if (connect->allow != CONFIG_ONLY_LISTED || connect->list.n || config_build_failed(b, &connect->list) ||
	    config_build_failed(b, &connect->allow))
		return;
	config_error(
		b->findings, config_build_at(b, server, connect->allow_at),
		_("no client could connect: allow is only-listed, and list is empty; add list with your networks, or write allow all-except-listed"));
}

void config_check_relay(struct config_build *b, const struct config_server *server)
{
	const struct config_relay *relay = &server->relay;
	if (relay->open_relay_intended || config_build_failed(b, &relay->open_relay_intended))
		return;
	check_naming(b, server, &server->proxy_list);
	check_naming(b, server, &server->xclient_list);
	if (relay->allow == CONFIG_ALL_EXCEPT_LISTED)
		config_error(
			b->findings, config_build_at(b, server, relay->allow_at),
			_("open relay: all clients except the listed ones could send mail anywhere; write allow only-listed and list your own networks; if an open relay is intended, write open_relay_intended yes in relay"));
	else
		check_clients(b, server);
	check_domains(b, server);
}
