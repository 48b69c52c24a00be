#include "smtpd/policy/policy.h"

#include <stdio.h>

#include "common/base/language.h"
#include "common/config/connector.h"
#include "smtpd/policy/rules.h"

static bool add_step(struct policy_decision *out, enum policy_rule rule, bool accepts, const char *text,
		     const struct config_origin *origin)
{
	out->steps[out->step_count++] = (struct policy_step){rule, accepts, text, origin, NULL};
	return accepts;
}

/* Domains whose mail ends here: every client may send to them. */
static bool ours(const struct config_server *server, struct span domain, struct policy_decision *out)
{
	const struct config_local_domain *standard = &server->local_domains[0];
	out->stamp = config_stamp(server, domain);
	if (!domain.len || config_server_is_at(server, domain))
		return add_step(out, POLICY_DEFAULT_DOMAIN, true, standard->name, &standard->origin);
	for (size_t i = 0; i < server->local_domain_count; i++)
		if (span_equal_nocase(domain, span_of(server->local_domains[i].name)))
			return add_step(out, i ? POLICY_LOCAL_DOMAIN : POLICY_DEFAULT_DOMAIN, true,
					server->local_domains[i].name, &server->local_domains[i].origin);
	for (size_t i = 0; i < server->alias_domain_count; i++) {
		const struct config_alias_domain *alias = &server->alias_domains[i];
		if (span_equal_nocase(domain, span_of(alias->name)))
			return add_step(out, POLICY_ALIAS_DOMAIN, true, alias->name, &alias->origin);
	}
	return false;
}

static bool relayed_for_all(const struct config_server *server, struct span domain, struct policy_decision *out)
{
	const struct config_remote_domain *remote = config_remote_domain_find(server, domain);
	return remote && add_step(out, POLICY_REMOTE_DOMAIN, remote->relay, remote->name,
				  remote->relay_at.line ? &remote->relay_at : &remote->origin);
}

/* Conditions of a connector are about the route, and do not matter here. */
static bool relayed_by_connector(const struct config_server *server, struct span domain, struct policy_decision *out)
{
	struct connector_choice choice;
	if (!connector_find(server, domain, NULL, &choice))
		return false;
	const struct config_connector *connector = choice.connector;
	return add_step(out, POLICY_CONNECTOR, connector->relay, connector->name,
			connector->relay_at.line ? &connector->relay_at : &connector->origin);
}

static bool is_everybody(const struct config_client *entry)
{
	return entry->name && entry->name[0] == '*' && !entry->name[1];
}

static bool match_name(const struct config_client *entry, const struct policy_client *client)
{
	return entry->name && client->name_state == POLICY_NAME_CONFIRMED &&
	       domain_pattern_match(span_of(entry->name), span_of(client->name));
}

static bool match_address(const struct config_client *entry, const struct policy_client *client)
{
	return entry->name ? is_everybody(entry) : cidr_contains(&entry->net, &client->ip);
}

bool policy_client_match(const struct config_client *entry, const struct policy_client *client)
{
	return match_address(entry, client) || match_name(entry, client);
}

/* The result of searching a list. */
struct finding {
	const struct config_client *entry; /* NULL = the client is not in the list */
	bool names;                        /* names would have counted too */
};

/* Addresses first: a client whose address is listed needs no look-up of its name. */
static struct finding find_client(const struct config_clients *list, const struct policy_client *client)
{
	bool names = false;
	for (size_t i = 0; i < list->n; i++) {
		names |= list->at[i].name != NULL;
		if (match_address(&list->at[i], client))
			return (struct finding){&list->at[i], false};
	}
	for (size_t i = 0; names && i < list->n; i++)
		if (match_name(&list->at[i], client))
			return (struct finding){&list->at[i], true};
	return (struct finding){NULL, names};
}

static const struct config_origin *list_place(const struct config_origin *list, const struct config_origin *allow)
{
	return list->line ? list : allow;
}

/* One of the two similar lists; its rules are LISTED and the one after it. */
static bool decide_by_list(const struct config_clients *list, enum config_allow allow,
			   const struct config_origin *list_at, enum policy_rule listed,
			   const struct policy_client *client, struct policy_decision *out)
{
	struct finding found = find_client(list, client);
	bool accepts = (found.entry != NULL) == (allow == CONFIG_ONLY_LISTED);
	if (!found.entry && found.names && client->name_state == POLICY_NAME_UNASKED) {
		out->wants_name = true;
		return false;
	}
	if (found.entry)
		return add_step(out, listed, accepts, found.entry->text, &found.entry->origin);
	add_step(out, listed + 1, accepts, NULL, list_at);
	if (found.names && client->name_state == POLICY_NAME_UNCONFIRMED)
		out->steps[out->step_count - 1].unconfirmed = client->why;
	return accepts;
}

void policy_connect_decide(const struct config_server *server, const struct policy_client *client,
			   struct policy_decision *out)
{
	const struct config_connect *connect = &server->connect;
	*out = (struct policy_decision){0};
	out->accepted =
		decide_by_list(&connect->list, connect->allow, list_place(&connect->list_at, &connect->allow_at),
			       POLICY_CONNECT_LISTED, client, out);
}

static bool lacks(struct policy_decision *out, enum policy_rule rule, bool has, const struct policy_client *client,
		  const struct config_origin *origin)
{
	return !add_step(out, rule, has, client->user, origin);
}

void policy_mail_decide(const struct config_server *server, const struct policy_client *client,
			const struct policy_mail *mail, struct policy_decision *out)
{
	const struct config_access *access = &server->access;
	*out = (struct policy_decision){0};
	if (access->tls_required && lacks(out, POLICY_TLS_REQUIRED, client->tls, client, &access->tls_required_at))
		return;
	if (!access->anonymous && lacks(out, POLICY_NOT_ANONYMOUS, client->user != NULL, client, &access->anonymous_at))
		return;
	rules_mail_decide(server, client, mail, out);
}

static bool user_may_relay(const struct config_relay *relay, const struct policy_client *client,
			   struct policy_decision *out)
{
	return client->user &&
	       add_step(out, POLICY_AUTHENTICATED, relay->authenticated, client->user, &relay->authenticated_at);
}

static bool client_may_relay(const struct config_relay *relay, const struct policy_client *client,
			     struct policy_decision *out)
{
	return decide_by_list(&relay->list, relay->allow, list_place(&relay->list_at, &relay->allow_at),
			      POLICY_RELAY_LISTED, client, out);
}

bool policy_is_ours(const struct config_server *server, const struct policy_client *client, bool *wants_name)
{
	struct policy_decision decision = {0};
	bool ours =
		client->user || ipaddr_is_loopback(&client->ip) || client_may_relay(&server->relay, client, &decision);
	*wants_name = decision.wants_name;
	return ours;
}

void policy_relay_from(const struct config_server *server, const struct policy_client *client, struct span domain,
		       enum policy_rule first, struct policy_decision *out)
{
	*out = (struct policy_decision){0};
	out->accepted = (first < POLICY_REMOTE_DOMAIN && ours(server, domain, out)) ||
			(first <= POLICY_REMOTE_DOMAIN && relayed_for_all(server, domain, out)) ||
			(first <= POLICY_CONNECTOR && relayed_by_connector(server, domain, out)) ||
			(first <= POLICY_AUTHENTICATED && user_may_relay(&server->relay, client, out)) ||
			client_may_relay(&server->relay, client, out);
}

void policy_relay_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
			 struct policy_decision *out)
{
	policy_relay_from(server, client, domain, POLICY_DEFAULT_DOMAIN, out);
}

struct address policy_stamp(const struct policy_decision *decision, const struct address *rcpt, char *text)
{
	_Static_assert(ADDRESS_LOCAL_MAX + sizeof("@") + 254 <= ADDRESS_MAX, "any local part in any domain");
	if (!decision->stamp)
		return *rcpt;
	snprintf(text, ADDRESS_MAX + 1, "%.*s@%s", SPAN_ARGS(rcpt->local), decision->stamp);
	struct span whole = span_of(text);
	return (struct address){whole, {text, rcpt->local.len}, span_skip(whole, rcpt->local.len + 1)};
}

static const char *allow_word(enum config_allow allow)
{
	return allow == CONFIG_ONLY_LISTED ? "only-listed" : "all-except-listed";
}

static void format_client(const char *list, enum config_allow allow, const struct policy_step *step,
			  const char *verdict, struct str *to)
{
	const char *word = allow_word(allow);
	if (step->text)
		str_printf(to, N_("client is in %s list %s, allow is %s"), list, step->text, word);
	else if (step->unconfirmed)
		str_printf(to, N_("client is not in %s list (the client has no confirmed name: %s), allow is %s"), list,
			   step->unconfirmed, word);
	else
		str_printf(to, N_("client is not in %s list, allow is %s"), list, word);
	str_printf(to, ": %s", verdict);
}

static void format_not_anonymous(const struct policy_step *step, struct str *to)
{
	if (step->text)
		str_printf(to, N_("access anonymous is no, client has authenticated as %s: goes on"), step->text);
	else
		str_append_text(to, N_("access anonymous is no, client has not authenticated: refused"));
}

void policy_step_format(const struct config_server *server, const struct policy_step *step, struct str *to)
{
	const char *verdict = step->accepts ? N_("accepted") : N_("refused"), *name = step->text;
	switch (step->rule) {
	case POLICY_CONNECT_LISTED:
	case POLICY_CONNECT_NOT_LISTED:
		format_client("connect", server->connect.allow, step, step->accepts ? N_("may connect") : verdict, to);
		break;
	case POLICY_TLS_REQUIRED:
		str_append_text(to, step->accepts ? N_("access tls_required is yes, client has TLS: goes on")
						  : N_("access tls_required is yes, client has no TLS: refused"));
		break;
	case POLICY_NOT_ANONYMOUS:
		format_not_anonymous(step, to);
		break;
	case POLICY_AUTHENTICATED:
		str_printf(to,
			   step->accepts ? N_("client has authenticated as %s, relay authenticated is yes: accepted")
					 : N_("client has authenticated as %s, relay authenticated is no: goes on"),
			   name);
		break;
	case POLICY_DEFAULT_DOMAIN:
		str_printf(to, N_("%s is the default domain: accepted"), name);
		break;
	case POLICY_LOCAL_DOMAIN:
		str_printf(to, N_("local_domain %s: accepted"), name);
		break;
	case POLICY_ALIAS_DOMAIN:
		str_printf(to, N_("alias_domain %s: accepted"), name);
		break;
	case POLICY_REMOTE_DOMAIN:
		str_printf(to,
			   step->accepts ? N_("remote_domain %s has relay yes: accepted")
					 : N_("remote_domain %s has relay no: goes on"),
			   name);
		break;
	case POLICY_CONNECTOR:
		str_printf(to,
			   step->accepts ? N_("connector %s has relay yes: accepted")
					 : N_("connector %s has relay no: goes on"),
			   name);
		break;
	case POLICY_RELAY_LISTED:
	case POLICY_RELAY_NOT_LISTED:
		format_client("relay", server->relay.allow, step, verdict, to);
		break;
	default:
		rules_step_format(step, to);
	}
}
