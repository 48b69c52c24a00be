#include "delivery/smtp/greeting.h"

#include <string.h>

#include "common/base/language.h"
#include "delivery/smtp/ending.h"
#include "delivery/smtp/refusal.h"

enum { AUTH_REFUSED = 535, CODE_LEN = 3, MECHANISM_MAX = 32 };

static enum dialogue_next wait_for(struct dialogue *d, enum dialogue_state state)
{
	d->state = state;
	return DIALOGUE_READ;
}

/* Forgets what was said before the handshake, including an earlier EHLO (RFC 3207 4.2). */
static enum dialogue_next say_hello(struct dialogue *d, bool extended)
{
	d->can = (struct capabilities){0};
	str_printf(&d->out, "%s %.*s\r\n", extended ? "EHLO" : "HELO", SPAN_ARGS(d->name));
	return wait_for(d, extended ? DIALOGUE_EHLO : DIALOGUE_HELO);
}

static enum dialogue_next quit_after(struct dialogue *d, const struct reply *reply)
{
	return ending_quit(d, ending_unwanted(d, reply));
}

/* Ends the connection for a reason of our own: TEXT. With CODE 0 the queue counts the next hop as down for a while. */
static enum dialogue_next leave(struct dialogue *d, enum journal_event event, int code, struct enhanced enhanced,
				struct str *text)
{
	struct outcome outcome = {.event = event,
				  .code = code,
				  .enhanced = enhanced,
				  .host = d->host,
				  .tls = d->tls,
				  .text = str_span(text)};
	enum dialogue_next next = ending_quit(d, outcome);
	str_free(text);
	return next;
}

/* --- TLS --- */

/* REFUSAL: of STARTTLS; NULL = not offered. A temporary refusal never returns mail. */
static enum dialogue_next tls_missing(struct dialogue *d, const struct reply *refusal)
{
	bool final = d->security.missing == CONFIG_TLS_MISSING_RETURN && (!refusal || refusal->code / 100 == 5);
	struct str text;
	str_init(&text, 2 * REPLY_TEXT_MAX);
	if (refusal) {
		str_printf(&text, "%s: ", N_("the host refused STARTTLS"));
		ending_quote(&text, refusal, ENDING_QUOTE_MAX);
	} else {
		str_append_text(&text, N_("the host does not offer STARTTLS"));
	}
	str_append_text(&text, "; ");
	if (d->security.dane)
		str_append_text(&text, N_("its TLSA records in DNS require it (DANE)"));
	else
		str_append_text(&text, d->security.tls == CONFIG_TLS_VERIFY ? N_("tls is verify for it")
									    : N_("tls is encrypt for it"));
	return leave(d, final ? JOURNAL_FAILED : JOURNAL_DELAYED, 0, (struct enhanced){final ? 5 : 4, 7, 4}, &text);
}

static enum dialogue_next on_starttls(struct dialogue *d, const struct reply *reply)
{
	switch (reply->code / 100) {
	case 2:
		d->state = DIALOGUE_SECURING;
		return DIALOGUE_HANDSHAKE;
	case 3:
		return ending_out_of_order(d, reply);
	default:
		return d->security.tls > CONFIG_TLS_OPPORTUNISTIC ? tls_missing(d, reply) : quit_after(d, reply);
	}
}

/* --- AUTH --- */

static enum dialogue_next auth_impossible(struct dialogue *d, struct enhanced enhanced, const char *why,
					  bool show_mechanisms)
{
	struct str text;
	str_init(&text, 2 * REPLY_TEXT_MAX);
	str_printf(&text, N_("can't authenticate with the settings of %.*s: %s"), SPAN_ARGS(d->security.credentials),
		   why);
	if (show_mechanisms)
		str_append_text(&text, "; ");
	if (show_mechanisms && d->can.auth_len)
		str_printf(&text, N_("the host offers %s"), d->can.auth);
	else if (show_mechanisms)
		str_append_text(&text, N_("the host offers no authentication"));
	return leave(d, JOURNAL_DELAYED, 0, enhanced, &text);
}

/* AUTH with its initial answer, or alone when both together are too long for a command (RFC 4954 4). */
static enum dialogue_next say_auth(struct dialogue *d, struct span words)
{
	struct span rest = words, mechanism = span_take(&rest, ' ');
	str_clear(&d->initial);
	if (words.len + sizeof("AUTH ") - 1 > GREETING_COMMAND_MAX) {
		str_append(&d->initial, rest);
		words = mechanism;
	}
	str_printf(&d->out, "AUTH %.*s\r\n", SPAN_ARGS(words));
	d->rounds = 0;
	return wait_for(d, DIALOGUE_AUTH);
}

static enum dialogue_next authenticate(struct dialogue *d)
{
	const struct sasl *sasl = d->security.sasl;
	const char *why = "";
	struct str words;
	if (!(d->security.secured && d->security.verified) && !d->security.auth_unverified)
		return auth_impossible(d, (struct enhanced){4, 7, 10},
				       d->security.secured
					       ? N_("the host's identity is not verified, and auth_unverified is no")
					       : N_("there is no TLS, and auth_unverified is no"),
				       false);
	str_init(&words, MECHANISM_MAX + SASL_LINE_MAX);
	bool good = sasl->begin(sasl->context, (struct span){d->can.auth, d->can.auth_len}, &words, &why);
	enum dialogue_next next = DIALOGUE_READ;
	if (good && !words.failed)
		next = say_auth(d, str_span(&words));
	else if (words.len)
		next = auth_impossible(d, (struct enhanced){4, 7, 0}, good ? N_("our answer is too long") : why, false);
	else
		next = auth_impossible(d, (struct enhanced){4, 7, 4}, why, true);
	str_wipe(&words);
	return next;
}

bool greeting_is_challenge(const struct dialogue *d, struct span line)
{
	return d->state == DIALOGUE_AUTH && d->reply.lines == 0 && span_starts(line, SPAN("334")) &&
	       (line.len == CODE_LEN || line.at[CODE_LEN] == ' ');
}

/* Cancels AUTH and quits; the host's reply does not matter. */
static enum dialogue_next cancel(struct dialogue *d, const char *why)
{
	str_append_text(&d->out, "*\r\n");
	return auth_impossible(d, (struct enhanced){4, 7, 5}, why, false);
}

enum dialogue_next greeting_challenge(struct dialogue *d, struct span challenge)
{
	const struct sasl *sasl = d->security.sasl;
	const char *why = "";
	struct str answer;
	if (++d->rounds > GREETING_ROUNDS_MAX)
		return cancel(d, N_("the host sends too many challenges"));
	if (d->initial.len) {
		str_printf(&d->out, "%s\r\n", str_text(&d->initial));
		str_wipe(&d->initial);
		return DIALOGUE_READ;
	}
	str_init(&answer, SASL_LINE_MAX);
	bool good = sasl->answer(sasl->context, challenge, &answer, &why) && !answer.failed;
	if (good)
		str_printf(&d->out, "%s\r\n", str_text(&answer));
	str_wipe(&answer);
	return good ? DIALOGUE_READ : cancel(d, why);
}

/*
 * Refused credentials are a local problem, so mail waits: it must not be returned because a password has expired. 4.7.8
 * tells the queue that retries do not help until the configuration changes (queue/attempt/verdicts.c).
 */
static enum dialogue_next auth_refused(struct dialogue *d, const struct reply *reply)
{
	struct enhanced enhanced = {4, reply->enhanced.subject, reply->enhanced.detail};
	const struct sasl *sasl = d->security.sasl;
	struct span block = d->security.credentials;
	const char *cure = refusal_cure(reply, sasl->token != 0);
	struct str text;
	str_init(&text, 2 * REPLY_TEXT_MAX);
	if (!reply->enhanced.class)
		enhanced = (struct enhanced){4, 7, 0};
	if (reply->code / 100 == 5)
		enhanced = (struct enhanced){4, 7, 8};
	d->security.refused = reply->code == AUTH_REFUSED;
	if (d->security.refused && sasl->token)
		str_printf(&text, N_("the host refused the access token of %.*s"), SPAN_ARGS(block));
	else if (d->security.refused)
		str_printf(&text, N_("the host refused username and password of %.*s"), SPAN_ARGS(block));
	else
		str_printf(&text, N_("the host did not authenticate us with the settings of %.*s"), SPAN_ARGS(block));
	str_append_text(&text, ": ");
	ending_quote(&text, reply, ENDING_QUOTE_MAX);
	if (sasl->said[0])
		str_printf(&text, " (%s)", sasl->said);
	str_printf(&text, "%s%s", *cure ? "; " : "", cure);
	return leave(d, JOURNAL_DELAYED, reply->code, enhanced, &text);
}

static enum dialogue_next on_auth(struct dialogue *d, const struct reply *reply)
{
	const char *why = "";
	str_wipe(&d->initial);
	if (reply->code / 100 == 3)
		return ending_out_of_order(d, reply);
	if (reply->code / 100 != 2)
		return auth_refused(d, reply);
	if (!d->security.sasl->finish(d->security.sasl->context, &why))
		return auth_impossible(d, (struct enhanced){4, 7, 5}, why, false);
	d->security.authenticated = true;
	d->state = DIALOGUE_READY;
	return DIALOGUE_IDLE;
}

/* --- in order --- */

/* The next step before mail can be sent. */
static enum dialogue_next go_on(struct dialogue *d)
{
	const struct dialogue_security *security = &d->security;
	if (!security->secured && security->tls != CONFIG_TLS_OFF && d->can.starttls) {
		str_append_text(&d->out, "STARTTLS\r\n");
		return wait_for(d, DIALOGUE_STARTTLS);
	}
	if (!security->secured && security->tls > CONFIG_TLS_OPPORTUNISTIC)
		return tls_missing(d, NULL);
	if (security->sasl)
		return authenticate(d);
	d->state = DIALOGUE_READY;
	return DIALOGUE_IDLE;
}

static enum dialogue_next on_greeting(struct dialogue *d, const struct reply *reply)
{
	return reply->code / 100 == 2 ? say_hello(d, !d->use_helo) : quit_after(d, reply);
}

static enum dialogue_next on_ehlo(struct dialogue *d, const struct reply *reply)
{
	if (reply->code / 100 == 2)
		return go_on(d);
	return reply->code / 100 == 5 ? say_hello(d, false) : quit_after(d, reply);
}

static enum dialogue_next on_helo(struct dialogue *d, const struct reply *reply)
{
	return reply->code / 100 == 2 ? go_on(d) : quit_after(d, reply);
}

enum dialogue_next greeting_step(struct dialogue *d, const struct reply *reply)
{
	switch (d->state) {
	case DIALOGUE_GREETING:
		return on_greeting(d, reply);
	case DIALOGUE_EHLO:
		return on_ehlo(d, reply);
	case DIALOGUE_HELO:
		return on_helo(d, reply);
	case DIALOGUE_STARTTLS:
		return on_starttls(d, reply);
	case DIALOGUE_AUTH:
		return on_auth(d, reply);
	default:
		return ending_out_of_order(d, reply);
	}
}

enum dialogue_next greeting_secured(struct dialogue *d)
{
	return d->security.implicit ? wait_for(d, DIALOGUE_GREETING) : say_hello(d, true);
}
