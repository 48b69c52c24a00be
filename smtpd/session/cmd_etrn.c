#include <stdio.h>

#include "common/ipc/counters.h"
#include "smtpd/session/cmd.h"
#include "smtpd/session/permits.h"

/*
 * ETRN domain (RFC 1985): any client may send it, because the mail goes where our configuration routes it. ATRN
 * [domain,domain...] (RFC 2645): the mail goes over this connection, so the client needs an account that may fetch it.
 */

enum { COUNT_TEXT = 24 };

static const struct span nothing = {NULL, 0};

static enum reply_id check_state(struct session *s, bool offered)
{
	if (!s->etrn || !offered)
		return REPLY_UNRECOGNIZED;
	if (s->state == SESSION_START || !s->esmtp)
		return REPLY_HELLO_FIRST;
	if (s->state != SESSION_READY)
		return REPLY_ETRN_IN_MESSAGE;
	return permits_mail(s, NULL);
}

void cmd_etrn_announce(struct session *s)
{
	if (s->etrn && etrn_offered(s->config))
		replies_append_keyword(&s->out, SPAN("ETRN"), false);
	if (s->etrn && s->auth && etrn_fetch_offered(s->config))
		replies_append_keyword(&s->out, SPAN("ATRN"), false);
}

static void answer(struct session *s, enum etrn_event event, struct span node, uint64_t messages)
{
	static const enum reply_id replies[ETRN_EVENT_COUNT] = {
		[ETRN_BEGUN] = REPLY_ETRN_STARTED,       [ETRN_NOTHING] = REPLY_ETRN_NOTHING,
		[ETRN_UNDER_WAY] = REPLY_ETRN_UNDER_WAY, [ETRN_LATER] = REPLY_ETRN_UNABLE,
		[ETRN_REFUSED] = REPLY_ETRN_REFUSED,     [ETRN_NEEDS_TLS] = REPLY_ETRN_UNABLE,
	};
	char text[COUNT_TEXT];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)messages);
	bool counted = event == ETRN_BEGUN && messages;
	session_reply(s, counted ? REPLY_ETRN_PENDING : replies[event], node, span_of(text));
}

static void ask(struct session *s, const struct etrn_node *node, struct span text)
{
	uint64_t messages = 0;
	enum etrn_event event = ETRN_REFUSED;
	count(COUNTER_ETRN);
	if (s->etrns++ >= LIMIT_ETRN)
		event = ETRN_LATER;
	else if (etrn_covers(s->config, node))
		event = s->etrn->ask(s->etrn->context, node, &messages);
	answer(s, event, text, messages);
}

static void cmd_ask(struct session *s, const struct command *command)
{
	struct etrn_node node;
	enum reply_id refusal = check_state(s, etrn_offered(s->config));
	if (refusal != REPLY_NONE) {
		session_say(s, refusal);
		return;
	}
	switch (etrn_parse(command->args, &node)) {
	case ETRN_NODE:
		ask(s, &node, command->args);
		break;
	case ETRN_QUEUE_NAME:
		session_reply(s, REPLY_ETRN_NO_QUEUES, command->args, nothing);
		break;
	case ETRN_MALFORMED:
		session_say(s, REPLY_ETRN_SYNTAX);
		break;
	}
}

/* Checks that USER may fetch each of DOMAINS; *CULPRIT is the first that it may not. */
static enum reply_id check_domains(const struct session *s, struct span domains, struct span *culprit)
{
	struct span user = span_of(s->client.user);
	int more;
	for (size_t n = 0; (more = etrn_next(&domains, culprit)) > 0; n++) {
		const struct config_remote_domain *remote = etrn_find(s->config, *culprit);
		if (!remote || !etrn_may_fetch(remote, user))
			return REPLY_ATRN_REFUSED;
		if (n == ETRN_DOMAINS_MAX)
			return REPLY_ATRN_SYNTAX;
	}
	return more < 0 ? REPLY_ATRN_SYNTAX : REPLY_NONE;
}

/* The last command of this session: from now on the client is the SMTP server. */
static void begin_atrn(struct session *s, struct span domains)
{
	const struct etrn_offer offer = {
		.domains = domains, .user = span_of(s->client.user), .client = &s->client.ip, .tls = s->tls.on};
	static const enum reply_id replies[ETRN_EVENT_COUNT] = {
		[ETRN_BEGUN] = REPLY_ATRN_STARTED,   [ETRN_NOTHING] = REPLY_ATRN_NOTHING,
		[ETRN_UNDER_WAY] = REPLY_ATRN_LATER, [ETRN_LATER] = REPLY_ATRN_LATER,
		[ETRN_REFUSED] = REPLY_ATRN_REFUSED, [ETRN_NEEDS_TLS] = REPLY_ATRN_NEEDS_TLS,
	};
	count(COUNTER_ATRN);
	enum etrn_event event = s->etrn->fetch(s->etrn->context, &offer, &s->atrn);
	session_reply(s, replies[event], domains.len ? domains : SPAN("any domain"), nothing);
	if (event == ETRN_BEGUN)
		s->state = SESSION_ATRN;
}

static void cmd_fetch(struct session *s, const struct command *command)
{
	struct span culprit = command->args;
	bool offered = s->auth && s->config->access.auth && etrn_fetch_offered(s->config);
	enum reply_id refusal = check_state(s, offered);
	if (refusal == REPLY_NONE && !s->client.user)
		refusal = REPLY_AUTH_FIRST;
	if (refusal == REPLY_NONE)
		refusal = check_domains(s, command->args, &culprit);
	if (refusal == REPLY_ATRN_REFUSED)
		session_reply(s, refusal, culprit, nothing);
	else if (refusal != REPLY_NONE)
		session_say(s, refusal);
	else if (s->etrns++ >= LIMIT_ETRN)
		session_say(s, REPLY_ATRN_LATER);
	else
		begin_atrn(s, command->args);
}

void cmd_etrn(struct session *s, const struct command *command)
{
	if (command->verb == COMMAND_ETRN)
		cmd_ask(s, command);
	else
		cmd_fetch(s, command);
}
