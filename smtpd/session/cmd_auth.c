#include <string.h>

#include "common/base/base64.h"
#include "common/ipc/counters.h"
#include "smtpd/session/cmd.h"

/* AUTH mechanism [initial response] (RFC 4954), and the responses that follow it. */

enum { TOKEN_MAX = LIMIT_AUTH_LINE / 4 * 3 };

static enum auth_permission permission(struct session *s, enum auth_method method)
{
	s->peer = (struct auth_peer){
		.config = s->config,
		.client = &s->client,
		.tls = s->tls.on ? s->tls.version : NULL,
		.binding = s->tls.binding,
		.binding_len = s->tls.on ? s->tls.binding_len : 0,
		.binding_exporter = s->tls.binding_exporter,
	};
	enum auth_permission result = auth_permits(s->auth, &s->peer, method);
	if (result != AUTH_WANTS_NAME)
		return result;
	session_learn_name(s);
	return auth_permits(s->auth, &s->peer, method);
}

/* The extension, and for clients older than it the line with which the Windows service announces LOGIN. */
void cmd_auth_announce(struct session *s)
{
	struct str line;
	bool login = false;
	if (!s->auth || !s->config->access.auth)
		return;
	str_init(&line, LIMIT_LINE);
	for (enum auth_method i = 0; i < AUTH_METHOD_COUNT; i++) {
		if (permission(s, i) != AUTH_PERMITTED)
			continue;
		str_printf(&line, "%s %s", line.len ? "" : "AUTH", auth_method_name(i));
		login = login || i == AUTH_METHOD_LOGIN;
	}
	if (line.len)
		replies_append_keyword(&s->out, str_span(&line), false);
	if (login)
		replies_append_keyword(&s->out, SPAN("AUTH=LOGIN"), false);
	str_free(&line);
}

void cmd_auth_end(struct session *s)
{
	auth_end(s->exchange);
	s->exchange = NULL;
	if (s->state == SESSION_AUTH)
		s->state = SESSION_READY;
}

enum result { RESULT_OK, RESULT_FAILED, RESULT_LATER, RESULT_COUNT };

/* counters.def has the mechanisms in the order of enum auth_method, each with its results. */
static void count_result(const struct session *s, enum result result)
{
	_Static_assert(COUNTER_AUTH_LOGIN_LATER + 1 - COUNTER_AUTH_GSSAPI_OK == AUTH_METHOD_COUNT * RESULT_COUNT,
		       "each mechanism has its counters");
	count((enum counter)(COUNTER_AUTH_GSSAPI_OK + RESULT_COUNT * s->method + result));
}

static void authenticated(struct session *s)
{
	auth_identify(s->exchange, &s->identity);
	s->client.user = s->identity.user;
	cmd_auth_end(s);
	session_say(s, REPLY_AUTHENTICATED);
}

/* The reason is in the log already. */
static void refuse(struct session *s, enum reply_id id)
{
	cmd_auth_end(s);
	session_say_quietly(s, id);
}

static void challenge(struct session *s, struct span text)
{
	str_append(&s->out, SPAN("334 "));
	base64_append(&s->out, text.at, text.len);
	str_append(&s->out, SPAN("\r\n"));
	s->state = SESSION_AUTH;
}

static void take_response(struct session *s, bool has_response, struct span response)
{
	struct str text;
	str_init(&text, AUTH_CHALLENGE_MAX);
	switch (auth_step(s->exchange, has_response, response, &text)) {
	case AUTH_MORE:
		challenge(s, str_span(&text));
		break;
	case AUTH_DONE:
		count_result(s, RESULT_OK);
		authenticated(s);
		break;
	case AUTH_FAILED:
		count_result(s, RESULT_FAILED);
		s->auth_failures++;
		refuse(s, REPLY_AUTH_FAILED);
		break;
	case AUTH_CROWDED:
	case AUTH_UNAVAILABLE:
		count_result(s, RESULT_LATER);
		refuse(s, REPLY_AUTH_CROWDED);
		break;
	case AUTH_REFUSED:
		count_result(s, RESULT_FAILED);
		refuse(s, REPLY_AUTH_SLOWED);
		break;
	}
	str_free(&text);
}

static void decode(struct session *s, struct span text)
{
	char token[TOKEN_MAX];
	size_t n = 0;
	if (base64_decode(text, token, sizeof(token), &n)) {
		take_response(s, true, (struct span){token, n});
	} else {
		count_result(s, RESULT_FAILED);
		cmd_auth_end(s);
		session_say(s, REPLY_AUTH_BAD_BASE64);
	}
	explicit_bzero(token, sizeof(token));
}

static enum reply_id check_state(const struct session *s)
{
	if (!s->auth || !s->config->access.auth)
		return REPLY_AUTH_OFF;
	if (s->state == SESSION_START)
		return REPLY_HELLO_FIRST;
	if (!s->esmtp)
		return REPLY_AUTH_NEEDS_EHLO;
	if (s->state != SESSION_READY)
		return REPLY_AUTH_IN_MESSAGE;
	if (s->client.user)
		return REPLY_AUTH_TWICE;
	return s->auth_failures < LIMIT_AUTH_FAILURES ? REPLY_NONE : REPLY_AUTH_SLOWED;
}

static enum reply_id begin(struct session *s, struct span mechanism)
{
	enum auth_method method = auth_method_of(mechanism);
	enum auth_permission result = permission(s, method);
	if (result == AUTH_UNKNOWN)
		return REPLY_AUTH_UNKNOWN;
	if (result != AUTH_PERMITTED)
		return REPLY_AUTH_NEEDS_TLS;
	s->method = method;
	s->exchange = auth_begin(s->auth, &s->peer, method);
	if (s->exchange)
		return REPLY_NONE;
	count_result(s, RESULT_LATER);
	return REPLY_AUTH_CROWDED;
}

void cmd_auth(struct session *s, const struct command *command)
{
	struct span response = command->args, mechanism = span_take_word(&response);
	enum reply_id refusal = check_state(s);
	response = span_trim(response);
	s->after_auth = true;
	if (refusal == REPLY_NONE && (!mechanism.len || span_find(response, ' ') < response.len))
		refusal = REPLY_AUTH_SYNTAX;
	if (refusal == REPLY_NONE)
		refusal = begin(s, mechanism);
	if (refusal != REPLY_NONE)
		session_say(s, refusal);
	else if (!response.len)
		take_response(s, false, response);
	else if (span_equal(response, SPAN("=")))
		take_response(s, true, SPAN(""));
	else
		decode(s, response);
}

void cmd_auth_response(struct session *s, struct span line)
{
	s->peer.config = s->config;
	if (span_equal(line, SPAN("*"))) {
		count_result(s, RESULT_FAILED);
		cmd_auth_end(s);
		session_say(s, REPLY_AUTH_CANCELLED);
	} else {
		decode(s, line);
	}
}
