#include "smtpd/answer_alias.h"

#include "common/ipc/rows.h"
#include "common/ipc/wire.h"

enum { EXIT_USAGE = 2 };

void answer_alias_rules(struct answer *a, const struct config_server *server, const struct known_lists *lists,
			const struct explanation *e)
{
	char text[ADDRESS_MAX + 1];
	struct alias alias;
	const struct address rcpt = policy_stamp(&e->relay, e->rcpt_said, text);
	if (e->known.verdict != KNOWN_LEADS)
		return;
	enum alias_result result = alias_expand(server, lists, &rcpt, &alias);
	for (size_t i = 1; i < alias.n; i++) {
		if (!alias.at[i].leads)
			continue;
		answer_origin(a, &alias.at[i].origin);
		str_append_c(&a->cells, ROW_SEPARATOR);
		alias_format(&alias.at[i], &a->cells);
		answer_row(a, ROW_RULE);
	}
	answer_origin(a, result == ALIAS_EXPANDED ? &alias.at[0].origin : &alias.fault);
	str_append_c(&a->cells, ROW_SEPARATOR);
	alias_format_members(&alias, result, &a->cells);
	answer_row(a, ROW_RULE);
	alias_free(&alias);
}

/* RCPT as the policy stamps it for any client. */
static void send_members(struct answer *a, const struct config_server *server, const struct known_lists *lists,
			 const struct address *rcpt)
{
	struct alias alias;
	enum alias_result result = alias_expand(server, lists, rcpt, &alias);
	for (size_t i = 0; i < alias.n; i++) {
		if (!alias.at[i].leads)
			continue;
		answer_origin(a, &alias.at[i].origin);
		str_append_c(&a->cells, ROW_SEPARATOR);
		str_append(&a->cells, alias.at[i].address.text);
		answer_row(a, ROW_ALIAS);
	}
	const struct alias_address *m = NULL;
	while (result == ALIAS_EXPANDED && (m = alias_member(&alias, m))) {
		str_append(&a->cells, m->address.text);
		answer_row(a, ROW_MEMBER);
	}
	answer_done(a, result != ALIAS_EXPANDED, span_of(alias_fault(result)));
	alias_free(&alias);
}

bool answer_alias(struct answer *a, struct span packet, const struct config_server *server,
		  const struct known_lists *lists)
{
	static const struct policy_client nobody = {.name_state = POLICY_NAME_UNCONFIRMED};
	struct wire_explain_alias request;
	struct policy_decision decision;
	struct known_decision known;
	struct address rcpt;
	char text[ADDRESS_MAX + 1];
	const char *why = "no recipient";
	if (!wire_decode_explain_alias(packet, &request))
		return false;
	if (!address_parse(request.recipient, &rcpt, &why) || !rcpt.text.len) {
		answer_done(a, EXIT_USAGE, span_of(why));
		return true;
	}
	policy_relay_decide(server, &nobody, rcpt.domain, &decision);
	rcpt = policy_stamp(&decision, &rcpt, text);
	known_decide(server, lists, &rcpt, &known);
	if (known.verdict == KNOWN_LEADS)
		send_members(a, server, lists, &rcpt);
	else
		answer_done(a, 0, SPAN(""));
	return true;
}
