#include "smtpd/session/session.h"

#include <stdio.h>

#include "common/base/log.h"
#include "smtpd/protocol/refused.h"
#include "smtpd/session/command.h"
#include "smtpd/session/filtering.h"
#include "smtpd/session/permits.h"
#include "smtpd/session/rates.h"

enum { LOGGED_MAX = 400 /* of a command */ };

static const struct span nothing = {NULL, 0};

/* The client's line, without secrets. */
static struct span loggable(const struct session *s)
{
	if (s->state == SESSION_DATA || s->state == SESSION_CHUNK)
		return SPAN("end of data");
	if (!s->line.len)
		return SPAN("(nothing)");
	return command_shown(s->line, s->after_auth);
}

/* The remedy for the log. The client is told only what is wrong. */
static const char *remedy(const struct session *s, enum reply_id id)
{
	switch (id) {
	case REPLY_BARE_NEWLINE:
		return " remedy=\"bare_newlines repair\"";
	case REPLY_BARE_LINE:
		return s->config->bare_newlines == CONFIG_BARE_REPAIR ? "" : " remedy=\"bare_newlines repair\"";
	case REPLY_DNSBL_LISTED:
	case REPLY_TALKED_FIRST:
		return " remedy=\"dnsbl_except in connect, if the client is welcome\"";
	case REPLY_XCLIENT_REFUSED:
		return " remedy=\"xclient_list, if the client may name other clients\"";
	case REPLY_NO_TLS:
		return " remedy=\"tls_certificate in access\"";
	case REPLY_RULE_SENDER:
	case REPLY_RULE_FROM:
		return " remedy=\"another sender at the client; senders in client_rule\"";
	case REPLY_RULE_FROM_BAD:
		return " remedy=\"one address in From at the client; from_header in client_rule\"";
	case REPLY_RULE_RECIPIENT:
		return " remedy=\"recipients in client_rule\"";
	case REPLY_RULE_TOO_BIG:
		return " remedy=\"max_message_size in client_rule\"";
	case REPLY_RULE_TLS_FIRST:
		return " remedy=\"STARTTLS at the client; require in client_rule\"";
	case REPLY_RULE_AUTH_FIRST:
		return " remedy=\"a user and password at the client; require in client_rule\"";
	default:
		return "";
	}
}

/* The client rule or filter that refuses, for the log; "" = none does. */
static void write_decider(const struct session *s, enum reply_id id, char *to, size_t size)
{
	const struct config_client_rule *rule = replies_name_rule(id) ? permits_rule(s) : NULL;
	const char *filter = filtering_name(s, id);
	to[0] = '\0';
	if (rule)
		snprintf(to, size, " rule=%s place=%s:%u", rule->name, rule->origin.file, rule->origin.line);
	else if (filter)
		snprintf(to, size, " filter=%s", filter);
}

/* The reply may quote the command. */
static void log_refusal(const struct session *s, enum reply_id id, struct span reply)
{
	char line[LOGGED_MAX + 1], answer[LOGGED_MAX + 1], rule[LOGGED_MAX + 1];
	write_decider(s, id, rule, sizeof(rule));
	span_quotable(loggable(s), line, sizeof(line));
	span_quotable(span_trim((struct span){reply.at, span_find(reply, '\r')}), answer, sizeof(answer));
	log_info("client=%s from=<%s> command=\"%s\" status=refused reply=\"%s\"%s%s", s->client_text,
		 str_text(&s->tx.sender), line, answer, rule, remedy(s, id));
}

static void append_reply(struct session *s, enum reply_id id, struct span first, struct span second)
{
	bool enhanced = !(s->config->without & WITHOUT_ENHANCEDSTATUSCODES);
	if (id == REPLY_FILTER_REPLY)
		filtering_append_reply(s, enhanced);
	else
		replies_append(&s->out, id, enhanced, first, second);
}

static void say(struct session *s, enum reply_id id, struct span first, struct span second, bool quietly)
{
	size_t before = s->out.len;
	int code = id == REPLY_FILTER_REPLY ? filters_reply(s->filters)->code : replies_code(id);
	bool later = code >= 400 && code < 500 && code != 421;
	if ((code >= 500 && ++s->errors > LIMIT_ERRORS) || (later && ++s->later > LIMIT_LATER)) {
		session_say(s, REPLY_TOO_MANY_ERRORS);
		return;
	}
	if (code >= 500 && !rates_error(s))
		return;
	append_reply(s, id, first, second);
	if (code >= 400)
		count(refused_counter(id));
	if (code >= 400 && !quietly && !(later && s->later > LIMIT_LATER_LOGGED))
		log_refusal(s, id, span_skip(str_span(&s->out), before));
	if (code == 421)
		session_close(s);
}

void session_reply(struct session *s, enum reply_id id, struct span first, struct span second)
{
	say(s, id, first, second, false);
}

void session_reply_quietly(struct session *s, enum reply_id id, struct span first, struct span second)
{
	say(s, id, first, second, true);
}

/* The argument of the replies without one of their own. */
static struct span usual_argument(const struct session *s, enum reply_id id)
{
	if (!replies_name_rule(id))
		return span_of(s->config->fqdn);
	const struct config_client_rule *rule = permits_rule(s);
	return rule ? span_of(rule->name) : SPAN("removed");
}

void session_say_quietly(struct session *s, enum reply_id id)
{
	session_reply_quietly(s, id, usual_argument(s, id), nothing);
}

void session_say(struct session *s, enum reply_id id)
{
	session_reply(s, id, usual_argument(s, id), nothing);
}
