#include "common/base/log.h"
#include "smtpd/policy/naming.h"
#include "smtpd/protocol/xclient.h"
#include "smtpd/session/cmd.h"
#include "smtpd/session/listed.h"

/*
 * XCLIENT attribute=value... (xclient.h): a host in xclient_list names the client for which it speaks. The driver
 * judges and greets that client as if it had connected. What nobody has said of it is not known: nothing of the client
 * before it remains, but the counts of errors and the like, and TLS.
 */

void cmd_xclient_announce(struct session *s)
{
	if (!naming_permits(&s->config->xclient_list, &s->client.ip))
		return;
	replies_append_keyword(&s->out,
			       s->config->xclient_login
				       ? SPAN("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT")
				       : SPAN("XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT"),
			       false);
}

static enum reply_id check(const struct session *s, const struct command *command)
{
	if (!naming_permits(&s->config->xclient_list, &s->client.ip))
		return REPLY_XCLIENT_REFUSED;
	if (s->state != SESSION_START && s->state != SESSION_READY)
		return REPLY_XCLIENT_IN_MESSAGE;
	return command->line.len > XCLIENT_LINE_MAX ? REPLY_LINE_TOO_LONG : REPLY_NONE;
}

static void take_name(struct policy_client *client, const char *name)
{
	bool known = span_copy(span_of(name), client->name, sizeof(client->name)) && *name;
	client->name_state = known ? POLICY_NAME_CONFIRMED : POLICY_NAME_UNCONFIRMED;
	span_copy(SPAN("XCLIENT says that the client has no name"), client->why, sizeof(client->why));
}

static void take_address(struct session *s, const struct xclient *x)
{
	const struct ipaddr ip = naming_client(&x->address, &s->client.ip);
	s->client = (struct policy_client){.ip = ip, .tls = s->client.tls};
	s->ends.client_port = 0;
	ipaddr_format(&ip, s->client_text);
}

/* The user has authenticated at the host that says so; here there need not be an account. */
static void take_login(struct session *s, const char *login)
{
	if (!*login)
		return;
	if (!s->config->xclient_login) {
		log_info("client=%s user=%s status=not-believed remedy=\"xclient_login yes\"", s->client_text, login);
		return;
	}
	s->identity.method = AUTH_METHOD_COUNT;
	span_copy(span_of(login), s->identity.user, sizeof(s->identity.user));
	s->client.user = s->identity.user;
}

static void take_ends(struct session *s, const struct xclient *x)
{
	if (x->said[XCLIENT_PORT])
		s->ends.client_port = x->port;
	if (x->said[XCLIENT_DESTADDR])
		span_copy(span_of(x->server), s->ends.daemon, sizeof(s->ends.daemon));
	if (x->said[XCLIENT_DESTPORT])
		s->ends.daemon_port = x->server_port;
}

static void become(struct session *s, const struct xclient *x)
{
	char by[IPADDR_TEXT_MAX];
	ipaddr_format(&s->client.ip, by);
	session_forget(s);
	listed_forget(s);
	if (s->filters)
		filters_end(s->filters); /* they begin anew, with the new client */
	if (x->said[XCLIENT_ADDR])
		take_address(s, x);
	if (x->said[XCLIENT_NAME])
		take_name(&s->client, x->name);
	if (x->said[XCLIENT_LOGIN])
		take_login(s, x->login);
	cmd_hello_name(s, span_of(x->helo));
	s->esmtp = x->said[XCLIENT_PROTO] && x->esmtp;
	take_ends(s, x);
	log_info("client=%s by=%s name=%s helo=%s user=%s status=xclient", s->client_text, by,
		 s->client.name_state == POLICY_NAME_CONFIRMED ? s->client.name : "", s->helo,
		 s->client.user ? s->client.user : "");
	s->state = SESSION_XCLIENT;
}

void cmd_xclient(struct session *s, const struct command *command)
{
	struct xclient x;
	struct span culprit;
	enum reply_id refusal = check(s, command);
	if (refusal != REPLY_NONE) {
		session_say(s, refusal);
		return;
	}
	const char *fault = xclient_parse(command->args, &x, &culprit);
	if (fault)
		session_reply(s, REPLY_BAD_XCLIENT, culprit.len ? culprit : command->line, span_of(fault));
	else
		become(s, &x);
}
