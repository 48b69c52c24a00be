#include "smtpd/policy.h"

#include "common/mail/domain.h"

static bool add_step(struct policy_decision *out, enum policy_rule rule, bool accepts, const char *text,
		     const struct config_origin *origin)
{
	out->steps[out->step_count++] = (struct policy_step){rule, accepts, text, origin};
	return accepts;
}

/* Domains whose mail ends here: everyone may write to them. */
static bool ours(const struct config_server *server, struct span domain, struct policy_decision *out)
{
	const struct config_local_domain *standard = &server->local_domains[0];
	if (!domain.len) {
		out->stamp = standard->name;
		return add_step(out, POLICY_DEFAULT_DOMAIN, true, standard->name, &standard->origin);
	}
	for (size_t i = 0; i < server->local_domain_count; i++)
		if (span_equal_nocase(domain, span_of(server->local_domains[i].name)))
			return add_step(out, i ? POLICY_LOCAL_DOMAIN : POLICY_DEFAULT_DOMAIN, true,
					server->local_domains[i].name, &server->local_domains[i].origin);
	for (size_t i = 0; i < server->alias_domain_count; i++) {
		const struct config_alias_domain *alias = &server->alias_domains[i];
		if (!span_equal_nocase(domain, span_of(alias->name)))
			continue;
		out->stamp = standard->name;
		return add_step(out, POLICY_ALIAS_DOMAIN, true, alias->name, &alias->origin);
	}
	return false;
}

/* Remote domains come sorted, so the first that matches is the most specific one, and no other is asked. */
static bool relayed_for_all(const struct config_server *server, struct span domain, struct policy_decision *out)
{
	for (size_t i = 0; i < server->remote_domain_count; i++) {
		const struct config_remote_domain *remote = &server->remote_domains[i];
		if (domain_pattern_match(span_of(remote->name), domain))
			return add_step(out, POLICY_REMOTE_DOMAIN, remote->relay, remote->name,
					remote->relay_at.line ? &remote->relay_at : &remote->origin);
	}
	return false;
}

bool policy_client_match(const struct config_client *entry, const struct policy_client *client)
{
	return cidr_contains(&entry->net, &client->ip);
}

static const struct config_client *find_client(const struct config_clients *list, const struct policy_client *client)
{
	for (size_t i = 0; i < list->n; i++)
		if (policy_client_match(&list->at[i], client))
			return &list->at[i];
	return NULL;
}

static const struct config_origin *list_place(const struct config_origin *list, const struct config_origin *allow)
{
	return list->line ? list : allow;
}

void policy_connect_decide(const struct config_server *server, const struct policy_client *client,
			   struct policy_decision *out)
{
	const struct config_connect *connect = &server->connect;
	const struct config_client *entry = find_client(&connect->list, client);
	*out = (struct policy_decision){0};
	if (entry)
		out->accepted = add_step(out, POLICY_CONNECT_LISTED, connect->allow == CONFIG_ONLY_LISTED, entry->text,
					 &entry->origin);
	else
		out->accepted = add_step(out, POLICY_CONNECT_NOT_LISTED, connect->allow == CONFIG_ALL_EXCEPT_LISTED,
					 NULL, list_place(&connect->list_at, &connect->allow_at));
}

static bool client_may_relay(const struct config_relay *relay, const struct policy_client *client,
			     struct policy_decision *out)
{
	const struct config_client *entry = find_client(&relay->list, client);
	if (entry)
		return add_step(out, POLICY_RELAY_LISTED, relay->allow == CONFIG_ONLY_LISTED, entry->text,
				&entry->origin);
	return add_step(out, POLICY_RELAY_NOT_LISTED, relay->allow == CONFIG_ALL_EXCEPT_LISTED, NULL,
			list_place(&relay->list_at, &relay->allow_at));
}

void policy_relay_from(const struct config_server *server, const struct policy_client *client, struct span domain,
		       enum policy_rule first, struct policy_decision *out)
{
	*out = (struct policy_decision){0};
	out->accepted = (first < POLICY_REMOTE_DOMAIN && ours(server, domain, out)) ||
			(first <= POLICY_REMOTE_DOMAIN && relayed_for_all(server, domain, out)) ||
			client_may_relay(&server->relay, client, out);
}

void policy_relay_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
			 struct policy_decision *out)
{
	policy_relay_from(server, client, domain, POLICY_DEFAULT_DOMAIN, out);
}

static const char *allow_word(enum config_allow allow)
{
	return allow == CONFIG_ONLY_LISTED ? "only-listed" : "all-except-listed";
}

void policy_step_format(const struct config_server *server, const struct policy_step *step, struct str *to)
{
	const char *verdict = step->accepts ? "accepted" : "refused";
	switch (step->rule) {
	case POLICY_CONNECT_LISTED:
		str_printf(to, "client is in connect list %s, allow is %s: %s", step->text,
			   allow_word(server->connect.allow), step->accepts ? "may connect" : "refused");
		break;
	case POLICY_CONNECT_NOT_LISTED:
		str_printf(to, "client is not in connect list, allow is %s: %s", allow_word(server->connect.allow),
			   step->accepts ? "may connect" : "refused");
		break;
	case POLICY_DEFAULT_DOMAIN:
		str_printf(to, "%s is the default domain: accepted", step->text);
		break;
	case POLICY_LOCAL_DOMAIN:
		str_printf(to, "local_domain %s: accepted", step->text);
		break;
	case POLICY_ALIAS_DOMAIN:
		str_printf(to, "alias_domain %s: accepted", step->text);
		break;
	case POLICY_REMOTE_DOMAIN:
		str_printf(to, "remote_domain %s has relay %s: %s", step->text, step->accepts ? "yes" : "no",
			   step->accepts ? "accepted" : "goes on");
		break;
	case POLICY_RELAY_LISTED:
		str_printf(to, "client is in relay list %s, allow is %s: %s", step->text,
			   allow_word(server->relay.allow), verdict);
		break;
	default:
		str_printf(to, "client is not in relay list, allow is %s: %s", allow_word(server->relay.allow),
			   verdict);
	}
}
