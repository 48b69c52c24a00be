#include "ctl/doctor/ways.h"

#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/net/net.h"

/* Any address of the Internet does to learn by which of ours it would be reached. Nothing is sent there. */
#define FAR_V4 "198.41.0.4"
#define FAR_V6 "2001:500::53"
enum { FAR_PORT = 25 };

static bool takes_all(const struct config_connector *connector)
{
	for (size_t i = 0; i < connector->address_space.n; i++)
		if (strcmp(connector->address_space.at[i].pattern, "*") == 0)
			return !connector->senders.n && !connector->senders_refused.n &&
			       connector->max_message_size == CONFIG_NONE;
	return false;
}

bool ways_direct(const struct config_server *server)
{
	bool direct = server->direct_first, rest = !server->smart_host.n;
	for (size_t i = 0; i < server->remote_domain_count; i++)
		direct |= server->remote_domains[i].route.dns;
	for (size_t i = 0; i < server->connector_count; i++) {
		direct |= server->connectors[i].route.dns;
		rest &= !takes_all(&server->connectors[i]);
	}
	return direct || rest;
}

static bool same_hop(const struct ways_hop *a, const struct config_host *host)
{
	return a->host->port == host->port && strcasecmp(a->host->name, host->name) == 0;
}

static void add_hops(const char *setting, const struct config_hosts *hosts, const struct config_outbound *outbound,
		     struct ways_hop *out, size_t *n)
{
	for (size_t i = 0; i < hosts->n && *n < WAYS_HOPS_MAX; i++) {
		bool known = false;
		for (size_t j = 0; j < *n; j++)
			known |= same_hop(&out[j], &hosts->at[i]);
		if (!known)
			out[(*n)++] = (struct ways_hop){setting, &hosts->at[i], outbound};
	}
}

size_t ways_hops(const struct config_server *server, struct ways_hop out[WAYS_HOPS_MAX])
{
	size_t n = 0;
	add_hops("smart_host", &server->smart_host, &server->outbound, out, &n);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		add_hops("route", &server->remote_domains[i].route.hosts, &server->remote_domains[i].outbound, out, &n);
	for (size_t i = 0; i < server->connector_count; i++)
		add_hops("route", &server->connectors[i].route.hosts, &server->connectors[i].outbound, out, &n);
	return n;
}

/* False: it is one too many. */
static bool add_domain(const char *name, const struct config_origin *at, struct ways_domain *out, size_t *n)
{
	if (!strchr(name, '.'))
		return true;
	for (size_t i = 0; i < *n; i++)
		if (strcasecmp(out[i].name, name) == 0)
			return true;
	if (*n == WAYS_DOMAINS_MAX)
		return false;
	out[(*n)++] = (struct ways_domain){name, at};
	return true;
}

size_t ways_domains(const struct config_server *server, struct ways_domain out[WAYS_DOMAINS_MAX], bool *whole)
{
	size_t n = 0;
	struct config_outbound_block block;
	*whole = true;
	for (size_t i = 0; i < server->local_domain_count; i++)
		*whole &= add_domain(server->local_domains[i].name, &server->local_domains[i].origin, out, &n);
	for (size_t i = 0; config_outbound_block(server, i, &block); i++) {
		const char *at = block.outbound->send_as ? strrchr(block.outbound->send_as, '@') : NULL;
		if (at)
			*whole &= add_domain(at + 1, &block.outbound->send_as_at, out, &n);
	}
	for (size_t i = 0; i < server->dkim_count; i++)
		*whole &= add_domain(server->dkims[i].name, &server->dkims[i].origin, out, &n);
	return n;
}

static bool is_local(const struct config_server *server, const char *domain)
{
	for (size_t i = 0; i < server->local_domain_count; i++)
		if (strcasecmp(server->local_domains[i].name, domain) == 0)
			return true;
	return false;
}

const char *ways_envelope_domain(const struct config_server *server, const char *domain)
{
	return server->masquerade_domain && is_local(server, domain) ? server->masquerade_domain : domain;
}

static void add_kernels_choice(struct span far, struct ipaddr *out, size_t *n)
{
	struct ipaddr ip;
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	uint16_t port;
	ipaddr_parse(far, &ip);
	int fd = net_datagram(&ip, FAR_PORT);
	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&own, &len) == 0)
		net_address(&own, &out[(*n)++], &port);
	if (fd >= 0)
		fd_close(&fd);
}

size_t ways_sources(const struct config_server *server, struct ipaddr out[WAYS_SOURCES_MAX])
{
	const struct config_words *set = &server->outbound.source_address;
	size_t n = 0;
	for (size_t i = 0; i < set->n && n < WAYS_SOURCES_MAX; i++)
		n += ipaddr_parse(span_of(set->at[i]), &out[n]);
	if (!n) {
		add_kernels_choice(SPAN(FAR_V4), out, &n);
		add_kernels_choice(SPAN(FAR_V6), out, &n);
	}
	return n;
}

size_t ways_public(const struct config_server *server, struct ask *ask, struct ipaddr out[WAYS_SOURCES_MAX],
		   bool *behind)
{
	struct ipaddr all[WAYS_SOURCES_MAX];
	struct ask_addresses named;
	size_t n = 0, sources = ways_sources(server, all);
	for (size_t i = 0; i < sources; i++)
		if (!ipaddr_is_private(&all[i]))
			out[n++] = all[i];
	*behind = !n;
	if (n)
		return n;
	ask_addresses(ask, server->fqdn, &named);
	for (size_t i = 0; i < named.n && n < WAYS_SOURCES_MAX; i++)
		if (!ipaddr_is_private(&named.at[i]))
			out[n++] = named.at[i];
	return n;
}
