#include "delivery/smtp/dialogue.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/ipc/counters.h"
#include "common/mail/address.h"
#include "delivery/smtp/ending.h"
#include "delivery/smtp/greeting.h"
#include "delivery/smtp/refusal.h"

enum { MINUTE = 60 * 1000, SECOND = 1000, QUOTE_MARGIN = 24 /* octets around a quote of the host's text */ };

/* What each state waits for, as texts show it, and how long. */
static const struct {
	const char *waiting_for;
	int64_t timeout_ms;
} states[DIALOGUE_STATE_COUNT] = {
	[DIALOGUE_GREETING] = {N_("the greeting"), 5 * MINUTE},
	[DIALOGUE_EHLO] = {N_("the reply to EHLO"), 5 * MINUTE},
	[DIALOGUE_HELO] = {N_("the reply to HELO"), 5 * MINUTE},
	[DIALOGUE_STARTTLS] = {N_("the reply to STARTTLS"), MINUTE},
	[DIALOGUE_SECURING] = {N_("the handshake of TLS"), MINUTE},
	[DIALOGUE_AUTH] = {N_("the reply to AUTH"), 2 * MINUTE},
	[DIALOGUE_READY] = {"nothing", 5 * MINUTE},
	[DIALOGUE_MAIL] = {N_("the reply to MAIL"), 5 * MINUTE},
	[DIALOGUE_RCPT] = {N_("the reply to RCPT"), 5 * MINUTE},
	[DIALOGUE_DATA] = {N_("the reply to DATA"), 2 * MINUTE},
	[DIALOGUE_BODY] = {N_("the host to take the message"), 3 * MINUTE},
	[DIALOGUE_FINAL] = {N_("the reply to the message"), 10 * MINUTE},
	[DIALOGUE_DOT] = {N_("the reply to the empty message"), 30 * SECOND},
	[DIALOGUE_RSET] = {N_("the reply to RSET"), 30 * SECOND},
	[DIALOGUE_CLOSED] = {"nothing", 5 * MINUTE},
};

void dialogue_init(struct dialogue *d, struct span name)
{
	*d = (struct dialogue){.state = DIALOGUE_CLOSED, .name = name};
	str_init(&d->out, DIALOGUE_OUT_MAX);
	str_init(&d->initial, SASL_LINE_MAX);
}

void dialogue_free(struct dialogue *d)
{
	str_wipe(&d->out);
	str_wipe(&d->initial);
}

int64_t dialogue_timeout(const struct dialogue *d)
{
	return states[d->state].timeout_ms;
}

const char *dialogue_waits_for(const struct dialogue *d)
{
	return states[d->state].waiting_for;
}

static enum dialogue_next wait_for(struct dialogue *d, enum dialogue_state state)
{
	d->state = state;
	return DIALOGUE_READ;
}

static enum dialogue_next ready(struct dialogue *d)
{
	d->state = DIALOGUE_READY;
	d->outcomes = NULL;
	return DIALOGUE_IDLE;
}

void dialogue_note_failure(struct dialogue *d, struct outcome outcome)
{
	size_t len = outcome.text.len < REPLY_TEXT_MAX ? outcome.text.len : REPLY_TEXT_MAX;
	if (len)
		memmove(d->failure_text, outcome.text.at, len);
	outcome.text = (struct span){d->failure_text, len};
	d->failure = outcome;
}

void dialogue_quit(struct dialogue *d)
{
	str_append_text(&d->out, "QUIT\r\n");
}

enum dialogue_next dialogue_start(struct dialogue *d, struct span host, bool use_helo)
{
	d->host = host;
	d->tls = (struct span){0};
	d->use_helo = use_helo;
	d->security.secured = d->security.verified = d->security.authenticated = d->security.refused = false;
	d->tls_failed = false;
	d->can = (struct capabilities){0};
	d->reply = (struct reply){0};
	d->outcomes = NULL;
	str_clear(&d->out);
	if (!d->security.implicit)
		return wait_for(d, DIALOGUE_GREETING);
	d->state = DIALOGUE_SECURING;
	return DIALOGUE_HANDSHAKE;
}

enum dialogue_next dialogue_secured(struct dialogue *d, bool verified, struct span tls)
{
	d->security.secured = true;
	d->security.verified = verified;
	d->tls = tls;
	return greeting_secured(d);
}

/* --- sending the transaction --- */

enum dialogue_next dialogue_begin(struct dialogue *d, const struct dialogue_mail *mail, struct outcomes *outcomes)
{
	d->mail = mail;
	d->outcomes = outcomes;
	d->sent = d->answered = d->accepted = 0;
	d->outstanding = 0;
	d->data_sent = d->refused = false;
	if (dialogue_decided_locally(d))
		return ready(d);
	dialogue_say_mail(d);
	if (d->can.pipelining)
		dialogue_send_ahead(d);
	return wait_for(d, DIALOGUE_MAIL);
}

/* --- replies to the transaction --- */

static enum dialogue_next reset(struct dialogue *d)
{
	str_append_text(&d->out, "RSET\r\n");
	return wait_for(d, DIALOGUE_RSET);
}

/* The host takes mail, but not from us. */
static enum dialogue_next leave_unproved(struct dialogue *d, const struct reply *reply)
{
	struct str text;
	str_init(&text, 2 * REPLY_TEXT_MAX);
	enum dialogue_next next = ending_quit(d, ending_unproved(d, reply, &text));
	str_free(&text);
	return next;
}

/*
 * The host takes mail from us, but not for R (NULL: for any recipient that it accepted): they wait, other mail does
 * not.
 */
static void delay_unproved(struct dialogue *d, struct recipient *r, const struct reply *reply)
{
	struct str text;
	str_init(&text, 2 * REPLY_TEXT_MAX);
	struct outcome outcome = ending_unproved(d, reply, &text);
	outcome.enhanced = (struct enhanced){4, 7, 1};
	if (r)
		outcomes_decide(d->outcomes, r, &outcome);
	else
		outcomes_decide_open(d->outcomes, true, &outcome);
	str_free(&text);
}

/* After a reply to MAIL or RCPT: sends what may be sent now, and waits for the oldest outstanding reply. */
static enum dialogue_next next_reply(struct dialogue *d)
{
	dialogue_send_ahead(d);
	if (d->outstanding)
		return wait_for(d, DIALOGUE_RCPT);
	if (d->data_sent)
		return wait_for(d, DIALOGUE_DATA);
	return d->refused ? ready(d) : reset(d);
}

static enum dialogue_next on_mail(struct dialogue *d, const struct reply *reply)
{
	struct outcome outcome = ending_outcome(d, reply);
	if (reply->code / 100 == 3)
		return ending_out_of_order(d, reply);
	if (refusal_wants_proof(reply))
		return leave_unproved(d, reply);
	if (outcome.event != JOURNAL_DELIVERED) {
		d->refused = true;
		outcomes_decide_open(d->outcomes, false, &outcome);
	}
	return next_reply(d);
}

/*
 * The host takes no more recipients in this transaction, so they wait for another one (RFC 5321 4.5.3.1.10). A new
 * transaction makes progress only if this one had accepted recipients.
 */
static bool too_many(const struct dialogue *d, const struct reply *reply)
{
	const struct enhanced *e = &reply->enhanced;
	bool said_so = e->class == 0 || (e->subject == 5 && e->detail == 3);
	return d->accepted && said_so && (reply->code == 452 || reply->code == 552);
}

static struct recipient *next_unanswered(struct dialogue *d)
{
	while (d->outcomes->rcpts[d->answered].outcome)
		d->answered++;
	return &d->outcomes->rcpts[d->answered++];
}

static enum dialogue_next on_rcpt(struct dialogue *d, const struct reply *reply)
{
	d->outstanding--;
	if (d->refused)
		return next_reply(d);
	struct recipient *r = next_unanswered(d);
	struct outcome outcome = ending_outcome(d, reply);
	if (outcome.event == JOURNAL_DELIVERED) {
		r->accepted = true;
		d->accepted++;
	} else if (refusal_wants_proof(reply)) {
		delay_unproved(d, r, reply);
	} else if (!too_many(d, reply)) {
		outcomes_decide(d->outcomes, r, &outcome);
	}
	return next_reply(d);
}

static enum dialogue_next on_data(struct dialogue *d, const struct reply *reply)
{
	if (reply->code == 354 && d->accepted) {
		d->state = DIALOGUE_BODY;
		return DIALOGUE_SEND_BODY;
	}
	if (reply->code == 354) {
		str_append_text(&d->out, ".\r\n");
		return wait_for(d, DIALOGUE_DOT);
	}
	if (reply->code / 100 < 4)
		return ending_out_of_order(d, reply);
	struct outcome outcome = ending_outcome(d, reply);
	if (refusal_wants_proof(reply))
		delay_unproved(d, NULL, reply);
	else
		outcomes_decide_open(d->outcomes, true, &outcome);
	return d->refused ? ready(d) : reset(d);
}

static enum dialogue_next on_body(struct dialogue *d, const struct reply *reply)
{
	if (reply->code / 100 < 4)
		return ending_out_of_order(d, reply);
	struct outcome outcome = ending_outcome(d, reply);
	outcomes_decide_open(d->outcomes, true, &outcome);
	return ending_hang_up(d, outcome);
}

enum dialogue_next dialogue_sent(struct dialogue *d)
{
	return wait_for(d, DIALOGUE_FINAL);
}

/* The host has no DSN, so this server must tell the sender of success (RFC 3461 5.2.3). */
static void decide_relayed(struct dialogue *d, struct outcome outcome)
{
	outcome.event = JOURNAL_RELAYED;
	for (size_t i = 0; i < d->outcomes->n; i++) {
		struct recipient *r = &d->outcomes->rcpts[i];
		if (!r->outcome && r->accepted && dsn_wants(r->dsn.notify, DSN_SUCCESS))
			outcomes_decide(d->outcomes, r, &outcome);
	}
}

static enum dialogue_next on_final(struct dialogue *d, const struct reply *reply)
{
	if (reply->code / 100 == 3)
		return ending_out_of_order(d, reply);
	struct outcome outcome = ending_outcome(d, reply);
	if (outcome.event == JOURNAL_DELIVERED) {
		count(COUNTER_SENT);
		count_by(COUNTER_SENT_OCTETS, d->mail->size);
	}
	if (outcome.event == JOURNAL_DELIVERED && !d->can.dsn)
		decide_relayed(d, outcome);
	outcomes_decide_open(d->outcomes, true, &outcome);
	return ready(d);
}

static enum dialogue_next on_end(struct dialogue *d, const struct reply *reply)
{
	return reply->code / 100 == 3 ? ending_out_of_order(d, reply) : ready(d);
}

static enum dialogue_next step(struct dialogue *d, const struct reply *reply)
{
	static enum dialogue_next (*const on[DIALOGUE_STATE_COUNT])(struct dialogue *, const struct reply *) = {
		[DIALOGUE_GREETING] = greeting_step,
		[DIALOGUE_EHLO] = greeting_step,
		[DIALOGUE_HELO] = greeting_step,
		[DIALOGUE_STARTTLS] = greeting_step,
		[DIALOGUE_SECURING] = greeting_step,
		[DIALOGUE_AUTH] = greeting_step,
		[DIALOGUE_READY] = ending_out_of_order,
		[DIALOGUE_MAIL] = on_mail,
		[DIALOGUE_RCPT] = on_rcpt,
		[DIALOGUE_DATA] = on_data,
		[DIALOGUE_BODY] = on_body,
		[DIALOGUE_FINAL] = on_final,
		[DIALOGUE_DOT] = on_end,
		[DIALOGUE_RSET] = on_end,
		[DIALOGUE_CLOSED] = ending_out_of_order,
	};
	return reply->code == 421 ? ending_hang_up(d, ending_outcome(d, reply)) : on[d->state](d, reply);
}

/* With TLS 1.3 the handshake ends for the client before the host has judged it: the host's objection comes first. */
static bool objects_to_handshake(const struct dialogue *d)
{
	const struct dialogue_security *s = &d->security;
	return d->state == DIALOGUE_EHLO && d->reply.lines == 0 && s->secured && !s->implicit &&
	       s->tls == CONFIG_TLS_OPPORTUNISTIC;
}

/* Quotes the host's incomplete reply. */
static void quote_host(const struct dialogue *d, struct str *to)
{
	const struct reply *reply = &d->reply;
	int room = REPLY_TEXT_MAX - (int)to->len - QUOTE_MARGIN;
	if (room <= 0 || (!reply->code && !reply->text_len))
		return;
	str_printf(to, "; %s: ", N_("the host said"));
	if (reply->code)
		str_printf(to, "%d ", reply->code);
	str_printf(to, "%.*s", (int)reply->text_len < room ? (int)reply->text_len : room, reply->text);
}

enum dialogue_next dialogue_broken(struct dialogue *d, enum dialogue_break how, struct span text)
{
	static const struct {
		const char *text;
		struct enhanced enhanced;
		int code;
	} breaks[] = {
		[DIALOGUE_LOST] = {N_("connection lost while waiting for %s"), {4, 4, 2}, 0},
		[DIALOGUE_TIMEOUT] = {N_("time-out while waiting for %s"), {4, 4, 2}, 0},
		[DIALOGUE_GARBLED] = {N_("the host sent an invalid reply while we waited for %s"), {4, 5, 0}, 0},
		[DIALOGUE_UNTRUSTED] = {N_("no TLS with the host"), {4, 7, 5}, 0},
		[DIALOGUE_OURS] = {N_("stopped while waiting for %s"), {4, 3, 0}, 451},
	};
	/* A refusal in mid-data counts, even if its last line was lost in the following reset. */
	if (d->state == DIALOGUE_BODY && d->reply.code >= 400)
		return step(d, &d->reply);
	struct str line;
	str_init(&line, REPLY_TEXT_MAX);
	str_printf(&line, breaks[how].text, states[d->state].waiting_for);
	if (text.len)
		str_printf(&line, ": %.*s", SPAN_ARGS(text));
	if (how != DIALOGUE_OURS)
		quote_host(d, &line);
	struct outcome outcome = {.event = JOURNAL_DELAYED,
				  .code = breaks[how].code,
				  .enhanced = breaks[how].enhanced,
				  .host = d->host,
				  .tls = d->tls,
				  .text = str_span(&line)};
	if (how == DIALOGUE_OURS)
		outcome.host = (struct span){0};
	bool objected = how == DIALOGUE_LOST && objects_to_handshake(d);
	enum dialogue_next next = ending_hang_up(d, outcome);
	d->tls_failed |= objected;
	str_free(&line);
	return next;
}

/* With PIPELINING several replies may be outstanding. */
static bool waits_for_one(const struct dialogue *d)
{
	return !d->can.pipelining || (d->state != DIALOGUE_MAIL && d->state != DIALOGUE_RCPT);
}

/* A line that is no reply line. An empty one can't be meant as a reply. */
static enum dialogue_next pass_over(struct dialogue *d, struct span line)
{
	bool room = reply_add_strange(&d->reply, line);
	if (room && (!line.len || waits_for_one(d)))
		return DIALOGUE_READ;
	return dialogue_broken(d, DIALOGUE_GARBLED, (struct span){0});
}

void dialogue_remnant(struct dialogue *d, struct span text)
{
	(void)!reply_add_strange(&d->reply, text);
}

enum dialogue_next dialogue_line(struct dialogue *d, struct span line)
{
	if (greeting_is_challenge(d, line)) {
		d->reply = (struct reply){0};
		return greeting_challenge(d, span_trim(span_skip(line, 4)));
	}
	if (!reply_add_line(&d->reply, line))
		return pass_over(d, line);
	if (d->state == DIALOGUE_EHLO && d->reply.lines > 1)
		capabilities_add(&d->can, span_skip(line, 4));
	if (!d->reply.complete)
		return DIALOGUE_READ;
	struct reply reply = d->reply;
	d->reply = (struct reply){0};
	refusal_explain(&reply);
	return step(d, &reply);
}
