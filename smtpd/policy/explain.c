#include "smtpd/policy/explain.h"

#include "smtpd/policy/rcpt_reply.h"
#include "smtpd/policy/rules.h"

void explain_decide(const struct config_server *server, const struct policy_client *client,
		    const struct policy_mail *mail, const struct address *rcpt, struct explanation *out)
{
	out->client = client;
	out->mail_said = mail;
	out->rcpt_said = rcpt;
	out->known = (struct known_decision){.verdict = KNOWN_UNLISTED};
	out->alias = ALIAS_EXPANDED;
	out->alias_at = (struct config_origin){0};
	policy_connect_decide(server, client, &out->connect);
	policy_mail_decide(server, client, mail, &out->mail);
	policy_relay_decide(server, client, rcpt->domain, &out->relay);
	rules_rcpt_decide(server, client, rcpt, out->relay.stamp, &out->rcpt);
	out->accepted = out->connect.accepted && out->mail.accepted && out->relay.accepted && out->rcpt.accepted;
}

void explain_known(const struct config_server *server, const struct known_lists *lists, struct explanation *e)
{
	char text[ADDRESS_MAX + 1];
	const struct address stamped = policy_stamp(&e->relay, e->rcpt_said, text);
	if (!e->relay.accepted || !e->rcpt.accepted)
		return;
	known_decide(server, lists, &stamped, &e->known);
	if (e->known.verdict == KNOWN_LEADS) {
		struct alias alias;
		e->alias = alias_expand(server, lists, &stamped, &alias);
		e->alias_at = alias.fault;
		alias_free(&alias);
	}
	e->accepted = e->accepted && known_accepts(e->known.verdict) && e->alias == ALIAS_EXPANDED;
}

size_t explain_chain(const struct explanation *e, const struct policy_decision *chain[EXPLAIN_DECISIONS])
{
	const struct policy_decision *const order[EXPLAIN_DECISIONS] = {&e->connect, &e->mail, &e->relay, &e->rcpt};
	size_t n = 0;
	do
		chain[n] = order[n];
	while (chain[n++]->accepted && n < EXPLAIN_DECISIONS);
	return n;
}

enum reply_id explain_refusal(const struct policy_decision *decision)
{
	static const enum reply_id replies[POLICY_RULE_COUNT] = {
		[POLICY_CONNECT_LISTED] = REPLY_MAY_NOT_CONNECT,  [POLICY_CONNECT_NOT_LISTED] = REPLY_MAY_NOT_CONNECT,
		[POLICY_TLS_REQUIRED] = REPLY_TLS_FIRST,          [POLICY_NOT_ANONYMOUS] = REPLY_AUTH_FIRST,
		[POLICY_CLIENT_TLS] = REPLY_RULE_TLS_FIRST,       [POLICY_CLIENT_AUTH] = REPLY_RULE_AUTH_FIRST,
		[POLICY_CLIENT_SENDER] = REPLY_RULE_SENDER,       [POLICY_CLIENT_SIZE] = REPLY_RULE_TOO_BIG,
		[POLICY_RELAY_LISTED] = REPLY_CANNOT_RELAY,       [POLICY_RELAY_NOT_LISTED] = REPLY_CANNOT_RELAY,
		[POLICY_CLIENT_RECIPIENT] = REPLY_RULE_RECIPIENT, [POLICY_CLIENT_FROM] = REPLY_RULE_FROM,
		[POLICY_CLIENT_FROM_BAD] = REPLY_RULE_FROM_BAD,
	};
	return decision->accepted ? REPLY_NONE : replies[decision->steps[decision->step_count - 1].rule];
}

/* The address with the domain that the policy assigns. */
static void append_recipient(const struct explanation *e, struct str *to)
{
	str_append(to, e->relay.stamp ? e->rcpt_said->local : e->rcpt_said->text);
	if (e->relay.stamp)
		str_printf(to, "@%s", e->relay.stamp);
}

void explain_reply(const struct explanation *e, struct str *to)
{
	const struct policy_decision *chain[EXPLAIN_DECISIONS];
	const struct policy_decision *last = chain[explain_chain(e, chain) - 1];
	const struct policy_step *step = &last->steps[last->step_count ? last->step_count - 1 : 0];
	enum reply_id id = last->accepted ? REPLY_RECIPIENT_OK : explain_refusal(last);
	if (last->accepted && !known_accepts(e->known.verdict))
		id = rcpt_reply_known(e->known.verdict);
	if (last->accepted && e->alias != ALIAS_EXPANDED)
		id = rcpt_reply_alias(e->alias);
	char address[IPADDR_TEXT_MAX];
	struct str about;
	str_init(&about, 2 * ADDRESS_MAX);
	ipaddr_format(&e->client->ip, address);
	if (id == REPLY_MAY_NOT_CONNECT)
		str_append_text(&about, address);
	else if (replies_name_rule(id))
		str_append_text(&about, step->text);
	else
		append_recipient(e, &about);
	replies_append(to, id, true, str_span(&about), (struct span){NULL, 0});
	str_free(&about);
}
