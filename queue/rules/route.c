#include "queue/rules/route.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/oauth.h"
#include "common/mail/domain.h"

static const char *const kind_names[ROUTE_KIND_COUNT] = {
	[ROUTE_DROP] = "drop",       [ROUTE_HOSTS] = "hosts", [ROUTE_MX] = "mx",
	[ROUTE_LITERAL] = "literal", [ROUTE_NONE] = "none",
};

const char *route_kind_name(enum route_kind kind)
{
	return kind_names[kind];
}

static void add_rule(struct route *out, const char *what, struct span value, struct config_origin origin)
{
	if (out->rule_count < ROUTE_RULES_MAX)
		out->rules[out->rule_count++] = (struct route_rule){what, value, origin};
}

static bool to_local(const struct config_server *server, struct route *out)
{
	for (size_t i = 0; i < server->local_domain_count; i++) {
		const struct config_local_domain *local = &server->local_domains[i];
		if (out->domain.len && !span_equal_nocase(span_of(local->name), out->domain))
			continue;
		add_rule(out, out->domain.len ? "local_domain" : "default_domain", span_of(local->name), local->origin);
		out->kind = ROUTE_DROP;
		out->local = local;
		return true;
	}
	return false;
}

/*
 * smtpd replaces such a literal when it accepts mail; older mail, and an address in `queue explain`, may still have it.
 */
static bool to_listener(const struct config_server *server, struct route *out)
{
	if (!server->local_domain_count || !config_server_is_at(server, out->domain))
		return false;
	add_rule(out, "listen", out->domain, server->listen_at);
	out->kind = ROUTE_DROP;
	out->local = &server->local_domains[0];
	return true;
}

/* smtpd replaces an alias domain when it accepts mail; mail that is older than the alias still has it. */
static bool to_alias(const struct config_server *server, struct route *out)
{
	for (size_t i = 0; i < server->alias_domain_count && server->local_domain_count; i++) {
		const struct config_alias_domain *alias = &server->alias_domains[i];
		if (!span_equal_nocase(span_of(alias->name), out->domain))
			continue;
		add_rule(out, "alias_domain", span_of(alias->name), alias->origin);
		out->kind = ROUTE_DROP;
		out->local = &server->local_domains[0];
		return true;
	}
	return false;
}

static bool is_ours(const struct config_server *server, const struct address *sender)
{
	struct route unused = {.domain = sender->domain};
	return sender->text.len && (to_local(server, &unused) || to_alias(server, &unused));
}

void route_choose_mailbox(const struct config_server *server, const struct address *sender, struct route *route)
{
	if (!route->user || !config_oauth_by_sender(route->user))
		return;
	if (sender->domain.len && is_ours(server, sender))
		route->mailbox = sender->text;
	else if (!sender->text.len)
		route->mailbox = span_of(route->user->notice_sender);
}

struct span route_sender(const struct route *route, bool null_sender)
{
	const struct config_outbound *o = route->identity;
	bool by_sender = route->user && config_oauth_by_sender(route->user);
	if (route->mailbox.len || !o)
		return route->mailbox;
	return span_of(null_sender && o->notice_sender && !by_sender ? o->notice_sender : o->send_as);
}

struct span route_masquerade(const struct config_server *server, const struct address *sender)
{
	bool ours = is_ours(server, sender);
	return server->masquerade_domain && ours ? span_of(server->masquerade_domain) : (struct span){0};
}

void route_block_format(const struct route_block *block, char to[ROUTE_BLOCK_MAX])
{
	bool named = block->of && block->name;
	snprintf(to, ROUTE_BLOCK_MAX, "%s%s%s", block->of ? block->of : "", named ? " " : "", named ? block->name : "");
}

void route_written_format(const struct route *route, char to[ROUTE_WRITTEN_MAX])
{
	char block[ROUTE_BLOCK_MAX];
	route_block_format(&route->written, block);
	to[0] = '\0';
	if (*block)
		snprintf(to, ROUTE_WRITTEN_MAX, "%.180s (%s in %.180s:%u)", block,
			 route->written.name ? "route" : "smart_host",
			 route->written_at.file ? route->written_at.file : "default", route->written_at.line);
}

/* No host of HOSTS needs an MX look-up. */
static bool are_exact(const struct config_hosts *hosts)
{
	for (size_t i = 0; i < hosts->n; i++)
		if (hosts->at[i].kind == CONFIG_HOST_MX)
			return false;
	return true;
}

/* Routes to HOSTS, which BLOCK lists. OUTBOUND of the same block says how we authenticate. */
static bool to_hosts(const struct config_hosts *hosts, const char *what, struct config_origin origin,
		     struct route_block block, const struct config_outbound *outbound, struct route *out)
{
	if (!hosts->n)
		return false;
	add_rule(out, what, span_of(hosts->at[0].name), origin);
	out->kind = ROUTE_HOSTS;
	out->hosts = hosts;
	out->written = block;
	out->identity = outbound;
	out->written_at = origin;
	if (outbound->auth == CONFIG_AUTH_OFF || !are_exact(hosts))
		return true;
	out->credentials = block;
	out->user = outbound;
	return true;
}

bool route_of_remote(const struct route *route)
{
	return route->remote && (route->remote->route.dns || route->remote->route.hosts.n);
}

/* The outbound block in effect: see the header. */
static void choose_outbound(const struct config_server *server, struct route *out)
{
	const struct config_remote_domain *remote = out->remote;
	const struct config_connector *connector = out->choice.connector;
	out->outbound = &server->outbound;
	out->security = (struct route_block){.of = "virtual_server"};
	if (remote && remote->has_outbound) {
		out->outbound = &remote->outbound;
		out->security = (struct route_block){"remote_domain", remote->name};
	}
	if (connector && connector->has_outbound && !route_of_remote(out)) {
		out->outbound = &connector->outbound;
		out->security = (struct route_block){"connector", connector->name};
	}
}

/* An outbound block inherits the limits of the virtual server unless it sets one itself. */
static void find_limits(const struct config_server *server, struct route *out)
{
	const struct config_outbound *o = out->outbound, *base = &server->outbound;
	bool inherited = o->rate_at.token == base->rate_at.token &&
			 o->max_connections_at.token == base->max_connections_at.token;
	out->limits = inherited ? (struct route_block){.of = "virtual_server"} : out->security;
}

/* Follows ROUTE, the setting of BLOCK. False when it is not set. */
static bool by_route(const struct config_route *route, struct config_origin origin, struct route_block block,
		     const struct config_outbound *outbound, struct route *out)
{
	if (!route->dns)
		return to_hosts(&route->hosts, "route", origin, block, outbound, out);
	add_rule(out, "route dns", out->domain, origin);
	out->kind = ROUTE_MX;
	return true;
}

/*
 * Follows the configuration. False when it names no hosts and no `route dns`. ROUTE_MX: the domain is not checked yet.
 */
static bool from_configuration(const struct config_server *server, struct route *out)
{
	const struct route_block virtual_server = {.of = "virtual_server"};
	const struct config_remote_domain *remote = out->remote;
	const struct config_connector *connector = out->choice.connector;
	choose_outbound(server, out);
	find_limits(server, out);
	if (remote) {
		add_rule(out, "remote_domain", span_of(remote->name), remote->origin);
		if (out->etrn)
			add_rule(out, "etrn", SPAN("yes: waits for ETRN"), remote->etrn_at);
		if (by_route(&remote->route, remote->route_at, (struct route_block){"remote_domain", remote->name},
			     &remote->outbound, out))
			return true;
	}
	if (connector) {
		add_rule(out, "connector", span_of(connector->name), connector->origin);
		if (by_route(&connector->route, connector->route_at, (struct route_block){"connector", connector->name},
			     &connector->outbound, out))
			return true;
	}
	if (server->smart_host.n && server->direct_first)
		add_rule(out, "direct_first", SPAN("yes"), server->direct_first_at);
	return to_hosts(&server->smart_host, "smart_host", server->smart_host_at, virtual_server, &server->outbound,
			out);
}

void route_append_manner(const struct config_server *server, const struct route *route, struct str *to)
{
	config_outbound_append(route->outbound, CONFIG_OUTBOUND_MANNER, to);
	if (route->identity)
		config_outbound_append(route->identity, CONFIG_OUTBOUND_USER, to);
	if (!route->outbound->helo_name)
		str_append_text(to, server->fqdn);
}

bool route_to_hosts(const struct config_server *server, const struct config_remote_domain *remote,
		    const struct config_connector *connector, struct route *out)
{
	out->remote = remote;
	out->choice.connector = connector;
	return from_configuration(server, out) && out->kind == ROUTE_HOSTS;
}

/* Routes to the MX of the domain, or to its literal. The hosts stay as the fallback. */
static void to_domain(struct route *out)
{
	out->kind = ROUTE_MX;
	if (domain_valid(out->domain))
		return;
	if (domain_literal(out->domain, &out->literal)) {
		out->kind = ROUTE_LITERAL;
		return;
	}
	out->kind = out->hosts ? ROUTE_HOSTS : ROUTE_NONE;
	out->why = out->hosts ? NULL : N_("the domain is not a valid domain name");
}

void route_decide(const struct config_server *server, const struct address *recipient,
		  const struct connector_mail *mail, struct route *out)
{
	const struct config_origin by_default = {0};
	memset(out, 0, sizeof(*out));
	out->domain = recipient->domain;
	if (to_local(server, out) || to_alias(server, out) || to_listener(server, out))
		return;
	connector_find(server, out->domain, mail, &out->choice);
	out->remote = config_remote_domain_find(server, out->domain);
	out->private_mx = out->remote ? out->remote->private_mx : CONFIG_AUTO;
	out->etrn = out->remote && out->remote->etrn && domain_valid(out->domain) ? out->remote : NULL;
	bool written = from_configuration(server, out);
	if (!written)
		add_rule(out, "mx", out->domain, by_default);
	if (!written || out->kind == ROUTE_MX || (out->hosts == &server->smart_host && server->direct_first))
		to_domain(out);
}
