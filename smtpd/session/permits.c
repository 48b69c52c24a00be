#include "smtpd/session/permits.h"

#include "smtpd/policy/explain.h"
#include "smtpd/policy/rules.h"

enum reply_id permits_mail(struct session *s, const struct policy_mail *mail)
{
	struct policy_decision decision;
	policy_mail_decide(s->config, &s->client, mail, &decision);
	if (decision.wants_name) {
		session_learn_name(s);
		policy_mail_decide(s->config, &s->client, mail, &decision);
	}
	return explain_refusal(&decision);
}

enum reply_id permits_recipient(struct session *s, const struct address *rcpt, const char *stamp)
{
	struct policy_decision decision;
	rules_rcpt_decide(s->config, &s->client, rcpt, stamp, &decision);
	if (decision.wants_name) {
		session_learn_name(s);
		rules_rcpt_decide(s->config, &s->client, rcpt, stamp, &decision);
	}
	return explain_refusal(&decision);
}

enum reply_id permits_from(struct session *s)
{
	struct policy_decision decision;
	if (!s->tx.limits.from)
		return REPLY_NONE;
	rules_from_decide(s->config, &s->client, str_span(&s->tx.from), s->tx.from.failed, &decision);
	if (decision.wants_name) {
		session_learn_name(s);
		rules_from_decide(s->config, &s->client, str_span(&s->tx.from), s->tx.from.failed, &decision);
	}
	return explain_refusal(&decision);
}

bool permits_is_ours(struct session *s)
{
	bool wants_name;
	bool ours = policy_is_ours(s->config, &s->client, &wants_name);
	if (!wants_name)
		return ours;
	session_learn_name(s);
	return policy_is_ours(s->config, &s->client, &wants_name);
}

const struct config_client_rule *permits_rule(const struct session *s)
{
	bool wants_name;
	return rules_find(s->config, &s->client, &wants_name);
}

void permits_limits(struct session *s, struct transaction_limits *limits)
{
	bool wants_name;
	const struct config_client_rule *rule = rules_find(s->config, &s->client, &wants_name);
	if (wants_name) {
		session_learn_name(s);
		rule = rules_find(s->config, &s->client, &wants_name);
	}
	if (!rule)
		return;
	limits->from = rule->from_header;
	if ((uint64_t)rule->max_message_size >= limits->message_octets)
		return;
	limits->message_octets = (uint64_t)rule->max_message_size;
	limits->too_big = REPLY_RULE_TOO_BIG;
}
