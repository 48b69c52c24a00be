#include "smtpd/session/session.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "smtpd/protocol/params.h"
#include "smtpd/session/cmd.h"
#include "smtpd/session/listed.h"
#include "smtpd/session/permits.h"
#include "smtpd/session/rates.h"

enum {
	/* Replies not yet sent: the driver sends after each line, and HELP is the longest. */
	OUT_MAX = 8 * 1024,
	LOGGED_MAX = 400 /* of a command */
};

static const struct span nothing = {NULL, 0};

const char *session_state_words(enum session_state state)
{
	static const char *const words[SESSION_STATE_COUNT] = {
		[SESSION_START] = "greeted",          [SESSION_READY] = "between messages",
		[SESSION_MAIL] = "sender given",      [SESSION_RCPT] = "recipients given",
		[SESSION_DATA] = "sending a message", [SESSION_CHUNK] = "sending a message",
		[SESSION_BDAT] = "between chunks",    [SESSION_STARTTLS] = "starting TLS",
		[SESSION_AUTH] = "authenticating",    [SESSION_ATRN] = "fetching mail",
		[SESSION_CLOSED] = "closing",         [SESSION_PAUSED] = "waiting to be greeted",
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

bool session_admits(struct session *s)
{
	struct policy_decision decision;
	policy_connect_decide(s->config, &s->client, &decision);
	if (decision.wants_name) {
		session_learn_name(s);
		policy_connect_decide(s->config, &s->client, &decision);
	}
	if (decision.accepted)
		return true;
	s->line = SPAN("(connects)");
	session_reply(s, REPLY_MAY_NOT_CONNECT, span_of(s->client_text), nothing);
	s->line = nothing;
	session_close(s);
	return false;
}

void session_greet(struct session *s)
{
	char date[CLOCK_TEXT_MAX];
	const struct store *store = s->tx.store;
	clock_rfc5322(store->wall_ms(store->context), date);
	if (s->config->banner && s->config->banner[0])
		session_reply(s, REPLY_BANNER_OWN, span_of(s->config->fqdn), span_of(s->config->banner));
	else
		session_reply(s, REPLY_BANNER, span_of(s->config->fqdn), span_of(date));
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
	case SESSION_CLOSED:
		return SESSION_WANTS_CLOSE;
	default:
		return SESSION_WANTS_LINE;
	}
}

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

/* The client rule that refuses, for the log; "" = none does. */
static void write_rule(const struct session *s, enum reply_id id, char *to, size_t size)
{
	const struct config_client_rule *rule = replies_name_rule(id) ? permits_rule(s) : NULL;
	to[0] = '\0';
	if (rule)
		snprintf(to, size, " rule=%s place=%s:%u", rule->name, rule->origin.file, rule->origin.line);
}

/* The reply may quote the command. */
static void log_refusal(const struct session *s, enum reply_id id, struct span reply)
{
	char line[LOGGED_MAX + 1], answer[LOGGED_MAX + 1], rule[LOGGED_MAX + 1];
	write_rule(s, id, rule, sizeof(rule));
	span_quotable(loggable(s), line, sizeof(line));
	span_quotable(span_trim((struct span){reply.at, span_find(reply, '\r')}), answer, sizeof(answer));
	log_info("client=%s from=<%s> command=\"%s\" status=refused reply=\"%s\"%s%s", s->client_text,
		 str_text(&s->tx.sender), line, answer, rule, remedy(s, id));
}

static void append_reply(struct session *s, enum reply_id id, struct span first, struct span second)
{
	bool enhanced = !(s->config->without & WITHOUT_ENHANCEDSTATUSCODES);
	replies_append(&s->out, id, enhanced, first, second);
}

static void say(struct session *s, enum reply_id id, struct span first, struct span second, bool quietly)
{
	size_t before = s->out.len;
	int code = replies_code(id);
	bool later = code >= 400 && code < 500 && code != 421;
	if ((code >= 500 && ++s->errors > LIMIT_ERRORS) || (later && ++s->later > LIMIT_LATER)) {
		session_say(s, REPLY_TOO_MANY_ERRORS);
		return;
	}
	if (code >= 500 && !rates_error(s))
		return;
	append_reply(s, id, first, second);
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

bool session_revoked(struct session *s)
{
	return s->client.user && !auth_holds(s->auth, &s->identity);
}

void session_secured(struct session *s, const struct session_tls *tls)
{
	cmd_auth_end(s);
	s->client.user = NULL;
	explicit_bzero(&s->identity, sizeof(s->identity));
	session_reset(s);
	s->state = SESSION_START;
	s->helo[0] = '\0';
	s->esmtp = false;
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
	[COMMAND_HELO] = cmd_hello,        [COMMAND_EHLO] = cmd_hello,  [COMMAND_MAIL] = cmd_mail,
	[COMMAND_RCPT] = cmd_rcpt,         [COMMAND_DATA] = cmd_data,   [COMMAND_BDAT] = cmd_bdat,
	[COMMAND_STARTTLS] = cmd_starttls, [COMMAND_AUTH] = cmd_auth,   [COMMAND_RSET] = cmd_simple,
	[COMMAND_NOOP] = cmd_simple,       [COMMAND_VRFY] = cmd_simple, [COMMAND_HELP] = cmd_simple,
	[COMMAND_QUIT] = cmd_simple,       [COMMAND_ETRN] = cmd_etrn,   [COMMAND_ATRN] = cmd_etrn,
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
	return verb == COMMAND_BDAT || verb == COMMAND_HELO || verb == COMMAND_EHLO;
}

static void dispatch(struct session *s, const struct command *command)
{
	if (command->verb == COMMAND_HTTP) {
		session_say(s, REPLY_UNRECOGNIZED);
		session_close(s);
	} else if (idles(s, command->verb)) {
		session_say(s, REPLY_TOO_MANY_IDLE);
	} else if (!handlers[command->verb]) {
		session_say(s, REPLY_UNRECOGNIZED);
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

static bool speaks_lf(const struct session *s)
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
	return !bare || (lf && speaks_lf(s));
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

/* The client's name for Received; NULL = none. */
static const char *received_name(struct session *s)
{
	if (!s->config->reverse_dns)
		return NULL;
	session_learn_name(s);
	return s->client.name_state == POLICY_NAME_CONFIRMED ? s->client.name : "unverified";
}

enum reply_id session_message_begin(struct session *s, bool chunked)
{
	const struct config_messages *messages = &s->config->messages;
	uint64_t session_octets = (uint64_t)messages->max_session_size;
	struct transaction_limits limits = {
		.message_octets = (uint64_t)messages->max_message_size,
		.session_octets = session_octets > s->octets ? session_octets - s->octets : 0,
		.hops = (unsigned)s->config->delivery.max_hops,
		.repair = s->config->bare_newlines == CONFIG_BARE_REPAIR,
		.lf = speaks_lf(s),
		.chunked = chunked,
		.complete = s->config->add_missing_headers && policy_is_ours(s->config, &s->client),
		.too_big = REPLY_MESSAGE_TOO_BIG,
	};
	struct transaction_origin origin = {
		.helo = s->helo,
		.client = s->client_text,
		.client_name = received_name(s),
		.client_is_v6 = !ipaddr_is_v4(&s->client.ip),
		.fqdn = s->config->fqdn,
		.domain = s->config->local_domains[0].name,
		.esmtp = s->esmtp,
		.authenticated = s->client.user != NULL,
		.user = s->config->access.auth_in_received ? s->client.user : NULL,
		.tls_version = s->tls.on ? s->tls.version : NULL,
		.tls_cipher = s->tls.cipher,
		.tls_bits = s->tls.bits,
	};
	permits_limits(s, &limits);
	return transaction_open(&s->tx, &limits, &origin);
}

static void message_taken(struct session *s)
{
	s->errors = s->later = s->idle = s->over = 0;
	rates_octets(s, s->tx.octets);
	s->octets += s->tx.octets;
	s->messages++;
	session_reply(s, REPLY_QUEUED, span_of(s->tx.id), span_of(s->config->fqdn));
	log_info("id=%s client=%s helo=%s from=<%s> nrcpt=%zu size=%llu%s%s%s%s%s%s status=accepted", s->tx.id,
		 s->client_text, s->helo, str_text(&s->tx.sender), s->tx.rcpts.count, (unsigned long long)s->tx.octets,
		 s->client.user ? " user=" : "", s->client.user ? s->client.user : "", s->tls.on ? " tls=" : "",
		 s->tls.on ? s->tls.version : "", s->tls.on ? ":" : "", s->tls.on ? s->tls.cipher : "");
}

void session_message_end(struct session *s)
{
	transaction_end(&s->tx);
	transaction_refuse(&s->tx, permits_from(s));
	enum reply_id refusal = transaction_commit(&s->tx);
	if (refusal == REPLY_NONE)
		message_taken(s);
	else
		session_say(s, refusal);
	session_reset(s);
}
