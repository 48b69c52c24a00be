#include "smtpd/session/session.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "smtpd/protocol/params.h"
#include "smtpd/session/cmd.h"
#include "smtpd/session/listed.h"

enum {
	REPLY_START_MAX = 20, /* "550-5.999.999 " and CR LF */
	/* Replies not yet sent: the driver sends after each line, and that of a filter is the longest. */
	OUT_MAX = 8 * 1024 + MILTER_REPLY_MAX + MILTER_REPLY_LINES_MAX * REPLY_START_MAX,
	LOGGED_MAX = 400 /* of a command */
};

static const struct span nothing = {NULL, 0};

const char *session_state_words(enum session_state state)
{
	static const char *const words[SESSION_STATE_COUNT] = {
		[SESSION_START] = "greeted",
		[SESSION_READY] = "between messages",
		[SESSION_MAIL] = "sender given",
		[SESSION_RCPT] = "recipients given",
		[SESSION_DATA] = "sending a message",
		[SESSION_CHUNK] = "sending a message",
		[SESSION_BDAT] = "between chunks",
		[SESSION_STARTTLS] = "starting TLS",
		[SESSION_AUTH] = "authenticating",
		[SESSION_ATRN] = "fetching mail",
		[SESSION_XCLIENT] = "handing over",
		[SESSION_CLOSED] = "closing",
		[SESSION_PAUSED] = "waiting to be greeted",
		[SESSION_FILTERED] = "in a filter",
	};
	return state < SESSION_STATE_COUNT ? words[state] : "unknown";
}

bool session_init(struct session *s, const struct config_server *config, const struct store *store,
		  const struct ipaddr *client)
{
	*s = (struct session){.config = config, .client = {.ip = *client}, .atrn = {-1, -1}, .listed = {.fd = -1}};
	ipaddr_format(client, s->client_text);
	str_init(&s->out, OUT_MAX);
	return transaction_init(&s->tx, store);
}

void session_free(struct session *s)
{
	auth_end(s->exchange);
	s->exchange = NULL;
	etrn_connection_close(&s->atrn);
	listed_end(s);
	explicit_bzero(&s->identity, sizeof(s->identity));
	transaction_free(&s->tx);
	str_free(&s->out);
}

void session_learn_name(struct session *s)
{
	char why[LOGGED_MAX + 1];
	struct policy_client *client = &s->client;
	if (client->name_state != POLICY_NAME_UNASKED)
		return;
	client->name_state = POLICY_NAME_UNCONFIRMED;
	if (s->names)
		s->names->look_up(s->names->context, client);
	span_quotable(span_of(client->why), why, sizeof(why));
	if (client->name_state == POLICY_NAME_CONFIRMED)
		log_info("client=%s name=%s status=named", s->client_text, client->name);
	else
		log_info("client=%s name=unverified status=unnamed reason=\"%s\"", s->client_text, why);
}

enum session_wants session_wants(const struct session *s)
{
	switch (s->state) {
	case SESSION_DATA:
	case SESSION_CHUNK:
		return SESSION_WANTS_OCTETS;
	case SESSION_STARTTLS:
		return SESSION_WANTS_HANDSHAKE;
	case SESSION_ATRN:
		return SESSION_WANTS_ATRN_RELAY;
	case SESSION_XCLIENT:
		return SESSION_WANTS_GREETING;
	case SESSION_CLOSED:
		return SESSION_WANTS_CLOSE;
	default:
		return SESSION_WANTS_LINE;
	}
}

bool session_revoked(struct session *s)
{
	return s->client.user && !auth_holds(s->auth, &s->identity);
}

void session_forget(struct session *s)
{
	cmd_auth_end(s);
	s->client.user = NULL;
	explicit_bzero(&s->identity, sizeof(s->identity));
	session_reset(s);
	s->helo[0] = '\0';
	s->esmtp = false;
}

void session_secured(struct session *s, const struct session_tls *tls)
{
	session_forget(s);
	s->state = SESSION_START;
	s->lines = SESSION_LINES_UNSEEN;
	s->tls = *tls;
	s->client.tls = true;
}

bool session_params(struct session *s, struct span text, unsigned allowed, struct params *out)
{
	enum params_result result = PARAMS_BAD;
	out->culprit = text;
	if (!text.len || text.at[0] == ' ' || text.at[0] == '\t')
		result = params_parse(text, allowed, out);
	if (result != PARAMS_OK)
		session_reply(s, result == PARAMS_BAD ? REPLY_BAD_ARGUMENT : REPLY_UNKNOWN_PARAM, out->culprit,
			      nothing);
	return result == PARAMS_OK;
}

void session_reset(struct session *s)
{
	transaction_reset(&s->tx);
	if (s->filters)
		filters_abort(s->filters);
	if (s->state != SESSION_START && s->state != SESSION_CLOSED)
		s->state = SESSION_READY;
}

void session_close(struct session *s)
{
	cmd_auth_end(s);
	transaction_reset(&s->tx);
	s->state = SESSION_CLOSED;
}

static void (*const handlers[COMMAND_COUNT])(struct session *, const struct command *) = {
	[COMMAND_HELO] = cmd_hello,        [COMMAND_EHLO] = cmd_hello,      [COMMAND_MAIL] = cmd_mail,
	[COMMAND_RCPT] = cmd_rcpt,         [COMMAND_DATA] = cmd_data,       [COMMAND_BDAT] = cmd_bdat,
	[COMMAND_STARTTLS] = cmd_starttls, [COMMAND_AUTH] = cmd_auth,       [COMMAND_RSET] = cmd_simple,
	[COMMAND_NOOP] = cmd_simple,       [COMMAND_VRFY] = cmd_simple,     [COMMAND_HELP] = cmd_simple,
	[COMMAND_QUIT] = cmd_simple,       [COMMAND_ETRN] = cmd_etrn,       [COMMAND_ATRN] = cmd_etrn,
	[COMMAND_XCLIENT] = cmd_xclient,   [COMMAND_UNKNOWN] = cmd_unknown,
};

/* A session that makes no progress occupies a worker. QUIT is always accepted. */
static bool idles(struct session *s, enum command_verb verb)
{
	bool brings_nearer = verb == COMMAND_MAIL || verb == COMMAND_RCPT || verb == COMMAND_DATA ||
			     verb == COMMAND_BDAT || verb == COMMAND_QUIT;
	return !brings_nearer && ++s->idle > LIMIT_IDLE;
}

/*
 * Commands whose lines may hold any octet. BDAT handles such a line itself: its chunk must not be run as commands. HELO
 * and EHLO clean the name.
 */
static bool takes_unclean(enum command_verb verb)
{
	return verb == COMMAND_UNKNOWN || verb == COMMAND_BDAT || verb == COMMAND_HELO || verb == COMMAND_EHLO;
}

static void dispatch(struct session *s, const struct command *command)
{
	if (command->verb == COMMAND_HTTP) {
		session_say(s, REPLY_UNRECOGNIZED);
		session_close(s);
	} else if (idles(s, command->verb)) {
		session_say(s, REPLY_TOO_MANY_IDLE);
	} else if (!command->clean && !takes_unclean(command->verb)) {
		session_say(s, REPLY_BAD_OCTETS);
	} else {
		handlers[command->verb](s, command);
	}
}

size_t session_line_max(const struct session *s)
{
	return s->auth && s->config->access.auth ? LIMIT_AUTH_LINE : LIMIT_LINE;
}

static void take_command(struct session *s, struct span line)
{
	struct command command;
	command_parse(line, &command);
	if (session_revoked(s))
		session_say(s, REPLY_ACCOUNT_CHANGED);
	else if (line.len > LIMIT_LINE && command.verb != COMMAND_AUTH)
		session_line_too_long(s);
	else
		dispatch(s, &command);
}

bool session_speaks_lf(const struct session *s)
{
	return s->lines == SESSION_LINES_LF && s->config->bare_newlines == CONFIG_BARE_REPAIR;
}

/* The first line decides for the whole session. */
static bool ends_well(struct session *s, struct span line, bool bare)
{
	bool lf = bare && span_find(line, '\r') == line.len;
	bool repair = s->config->bare_newlines == CONFIG_BARE_REPAIR;
	if (s->lines == SESSION_LINES_UNSEEN)
		s->lines = lf && repair ? SESSION_LINES_LF : SESSION_LINES_CRLF;
	return !bare || (lf && session_speaks_lf(s));
}

void session_line(struct session *s, struct span line, bool bare)
{
	bool response = s->state == SESSION_AUTH;
	s->line = response ? SPAN("(response)") : line;
	if (!ends_well(s, line, bare)) {
		session_say(s, REPLY_BARE_LINE);
		session_close(s);
	} else if (response) {
		cmd_auth_response(s, line);
	} else {
		take_command(s, line);
	}
	s->line = nothing;
}

void session_line_too_long(struct session *s)
{
	cmd_auth_end(s);
	if (s->lines == SESSION_LINES_UNSEEN)
		s->lines = SESSION_LINES_CRLF;
	s->line = SPAN("(too long)");
	session_say(s, REPLY_LINE_TOO_LONG);
	s->line = nothing;
}

size_t session_octets(struct session *s, struct span octets)
{
	return s->state == SESSION_CHUNK ? cmd_bdat_octets(s, octets) : cmd_data_octets(s, octets);
}
