/*
 * The fields From of a message from a client whose rule permits a.test alone. Of those that are accepted, each @ that
 * is not in quotes leads to a.test, whatever else stands there.
 */
#include "smtpd/policy/rules.h"
#include "t/fuzz/must.h"
#include "t/unit/smtpd_memory.h"

static const struct config_server *server(void)
{
	static struct config config;
	if (!config.server_count)
		memory_config("client_rule a { list *; senders a.test; from_header yes }", &config);
	return &config.servers[0];
}

/* Blanks and folds may stand around the @ (RFC 5322 4.4). */
static bool leads_to_ours(struct span rest)
{
	while (rest.len && strchr(" \t\r\n", rest.at[0]) && rest.at[0])
		rest = span_skip(rest, 1);
	return span_starts_nocase(rest, SPAN("a.test")) || span_starts(rest, SPAN("("));
}

static void check_accepted(struct span from)
{
	unsigned depth = 0;
	bool quoted = false;
	for (; from.len; from = span_skip(from, 1)) {
		char c = from.at[0];
		if (c == '\\')
			from = span_skip(from, 1);
		else if (c == '"' && !depth)
			quoted = !quoted;
		else if (c == '(' && !quoted)
			depth++;
		else if (c == ')' && !quoted && depth)
			depth--;
		else if (c == '@' && !quoted)
			MUST(!depth && leads_to_ours(span_skip(from, 1)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy_client client = {.name_state = POLICY_NAME_UNCONFIRMED};
	struct policy_decision decision;
	struct str from;
	str_init(&from, 1 << 20);
	str_append_text(&from, "From: ");
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n')
			str_append_text(&from, "\r\n ");
		else if (data[i] != '\r')
			str_append_c(&from, (char)data[i]);
	}
	str_append_text(&from, "\r\n");
	rules_from_decide(server(), &client, str_span(&from), false, &decision);
	MUST(decision.step_count == 1 && decision.steps[0].accepts == decision.accepted);
	if (decision.accepted)
		check_accepted(str_span(&from));
	str_free(&from);
	return 0;
}
