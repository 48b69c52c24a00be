#include "smtpd/policy/explain_limits.h"

#include <stdio.h>

#include "smtpd/policy/excess.h"
#include "smtpd/policy/rules.h"
#include "smtpd/protocol/limits.h"
#include "smtpd/protocol/replies.h"

static void append_reply(const struct config_server *server, enum reply_id id, struct span first, struct span second,
			 struct str *to)
{
	struct str line;
	str_init(&line, LIMIT_LINE);
	replies_append(&line, id, !(server->without & WITHOUT_ENHANCEDSTATUSCODES), first, second);
	str_append(to, (struct span){line.at, span_find(str_span(&line), '\r')});
	str_free(&line);
}

static void append_crowded(const struct config_server *server, const struct ipaddr *client, size_t most,
			   struct str *reply)
{
	struct str text;
	str_init(&text, LIMIT_LINE);
	excess_crowd_reply(client, most, &text);
	append_reply(server, REPLY_CLIENT_CROWDED, span_of(server->fqdn), str_span(&text), reply);
	str_free(&text);
}

/* Where the share of one client in all workers comes from. */
static void name_share(const struct config_server *server, struct explained_limit *out)
{
	bool workers = server->processes.max <= server->max_connections;
	out->setting = workers ? "nine of ten of processes max" : "nine of ten of max_connections";
	out->origin = workers ? &server->processes.max_at : &server->max_connections_at;
}

static bool explain_connections(const struct config_server *server, const struct policy_client *client,
				const struct clients *clients, struct explained_limit *out, struct str *reply)
{
	const struct clients_limit limit = clients_limit(server, &client->ip);
	size_t most = limit.share < limit.most ? limit.share : limit.most;
	if (server->client.connections == CONFIG_NONE)
		return false;
	out->setting = "connections";
	out->origin = &server->client.connections_at;
	out->used = clients_count(clients, usage_net(&client->ip));
	snprintf(out->most, sizeof(out->most), "%zu", out->exception ? (size_t)server->client.connections : most);
	if (limit.share < limit.most)
		name_share(server, out);
	if (out->exception || out->used < most)
		return true;
	out->next =
		server->client.over == CONFIG_OVER_LOG && out->used < limit.share ? EXPLAIN_LOGGED : EXPLAIN_REFUSED;
	if (out->next == EXPLAIN_REFUSED)
		append_crowded(server, &client->ip, most, reply);
	return true;
}

static void append_excess(const struct excess *e, struct str *reply)
{
	bool closes = e->kind == USAGE_CONNECTIONS || e->kind == USAGE_ERRORS;
	struct str text;
	str_init(&text, LIMIT_LINE);
	excess_reply(e, &text);
	if (closes)
		append_reply(e->server, REPLY_OVER_LIMIT_CLOSING, span_of(e->server->fqdn), str_span(&text), reply);
	else
		append_reply(e->server, REPLY_OVER_LIMIT, str_span(&text), (struct span){0}, reply);
	str_free(&text);
}

static bool explain_rate(const struct config_server *server, const struct policy_client *client,
			 const struct usage *usage, enum usage_kind kind, int64_t mono_ms, struct explained_limit *out,
			 struct str *reply)
{
	const struct config_rate *limit = usage_limit(server, kind);
	const struct usage_who who = usage_counted(server, kind, &client->ip, client->user);
	bool refuses = server->client.over == CONFIG_OVER_TEMPFAIL;
	struct str most;
	if (!limit->count)
		return false;
	str_init(&most, EXPLAIN_MOST_MAX);
	usage_format(kind, limit, &most);
	span_copy(str_span(&most), out->most, sizeof(out->most));
	str_free(&most);
	out->setting = usage_setting(kind);
	out->origin = usage_origin(server, kind);
	out->user = who.user;
	out->used = usage_used(usage, &who, kind, limit, mono_ms);
	const struct excess e = {server,  &who, kind, usage_wait_ms(usage, &who, kind, 1, limit, mono_ms),
				 refuses, NULL};
	if (!e.wait_ms || out->exception)
		return true;
	out->next = refuses ? EXPLAIN_REFUSED : EXPLAIN_LOGGED;
	if (refuses)
		append_excess(&e, reply);
	return true;
}

/* except_list and over do not concern it. */
static bool explain_rule(const struct config_server *server, const struct policy_client *client,
			 const struct usage *usage, enum usage_kind kind, int64_t mono_ms, struct explained_limit *out,
			 struct str *reply)
{
	bool wants_name;
	const struct config_client_rule *rule = rules_find(server, client, &wants_name);
	const struct usage_rule_limit of = rule ? usage_rule_limit(rule, kind) : (struct usage_rule_limit){0};
	struct str most;
	if (!rule || !of.limit->count)
		return false;
	const struct usage_who who = usage_counted_for(rule, &client->ip, client->user);
	*out = (struct explained_limit){.setting = kind == USAGE_MESSAGES ? "client_rule messages"
									  : "client_rule recipient_rate",
					.origin = of.origin,
					.user = who.user,
					.used = usage_used(usage, &who, kind, of.limit, mono_ms)};
	str_init(&most, EXPLAIN_MOST_MAX);
	usage_format(kind, of.limit, &most);
	span_copy(str_span(&most), out->most, sizeof(out->most));
	str_free(&most);
	const struct excess e = {server, &who, kind, usage_wait_ms(usage, &who, kind, 1, of.limit, mono_ms),
				 true,   rule};
	out->next = e.wait_ms ? EXPLAIN_REFUSED : EXPLAIN_FITS;
	if (e.wait_ms)
		append_excess(&e, reply);
	return true;
}

bool explain_limit(const struct config_server *server, const struct policy_client *client, const struct usage *usage,
		   const struct clients *clients, size_t i, int64_t mono_ms, struct explained_limit *out,
		   struct str *reply)
{
	*out = (struct explained_limit){.exception = usage_excepted(server, &client->ip)};
	out->next = out->exception ? EXPLAIN_EXCEPTED : EXPLAIN_FITS;
	if (i == EXPLAIN_CONNECTIONS)
		return explain_connections(server, client, clients, out, reply);
	if (i == EXPLAIN_RULE_MESSAGES || i == EXPLAIN_RULE_RECIPIENTS)
		return explain_rule(server, client, usage,
				    i == EXPLAIN_RULE_MESSAGES ? USAGE_MESSAGES : USAGE_RECIPIENTS, mono_ms, out,
				    reply);
	return explain_rate(server, client, usage, (enum usage_kind)i, mono_ms, out, reply);
}
