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

static bool client_may_relay(const struct config_relay *relay, const struct ipaddr *client, struct policy_decision *out)
{
	for (size_t i = 0; i < relay->list.n; i++) {
		const struct config_client *entry = &relay->list.at[i];
		if (cidr_contains(&entry->net, client))
			return add_step(out, POLICY_CLIENT_LISTED, relay->allow == CONFIG_ONLY_LISTED, entry->text,
					&entry->origin);
	}
	return add_step(out, POLICY_CLIENT_NOT_LISTED, relay->allow == CONFIG_ALL_EXCEPT_LISTED, NULL,
			relay->list_at.file ? &relay->list_at : &relay->allow_at);
}

void policy_relay_decide(const struct config_server *server, const struct ipaddr *client, struct span domain,
			 struct policy_decision *out)
{
	*out = (struct policy_decision){0};
	out->accepted = ours(server, domain, out) || relayed_for_all(server, domain, out) ||
			client_may_relay(&server->relay, client, out);
}

void policy_step_format(const struct config_server *server, const struct policy_step *step, struct str *to)
{
	const char *allow = server->relay.allow == CONFIG_ONLY_LISTED ? "only-listed" : "all-except-listed";
	switch (step->rule) {
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
	case POLICY_CLIENT_LISTED:
		str_printf(to, "client is in relay list %s, allow is %s: %s", step->text, allow,
			   step->accepts ? "accepted" : "refused");
		break;
	default:
		str_printf(to, "client is not in relay list, allow is %s: %s", allow,
			   step->accepts ? "accepted" : "refused");
	}
}

void policy_advice_format(const struct policy_decision *decision, struct span client, struct span domain,
			  struct str *to)
{
	const struct policy_step *step = &decision->steps[decision->step_count - 1];
	switch (step->rule) {
	case POLICY_LOCAL_DOMAIN:
		str_printf(to, "refused if local_domain %s were taken away", step->text);
		break;
	case POLICY_ALIAS_DOMAIN:
		str_printf(to, "refused if alias_domain %s were taken away", step->text);
		break;
	case POLICY_REMOTE_DOMAIN:
		str_printf(to, "refused if remote_domain %s had relay no", step->text);
		break;
	case POLICY_CLIENT_LISTED:
		str_printf(to, "%s if %s were not in relay list", decision->accepted ? "refused" : "accepted",
			   step->text);
		break;
	case POLICY_CLIENT_NOT_LISTED:
		str_printf(to, "%s if %.*s were in relay list", decision->accepted ? "refused" : "accepted",
			   SPAN_ARGS(client));
		if (!decision->accepted)
			str_printf(to, ", or if remote_domain %.*s had relay yes", SPAN_ARGS(domain));
		break;
	default:
		break;
	}
}
