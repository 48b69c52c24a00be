#include "delivery/dialogue.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE = 60 * 1000, SECOND = 1000 };

/* What is waited for in each state, as texts show it, and for how long. */
static const struct {
	const char *waiting_for;
	int64_t timeout_ms;
} states[DIALOGUE_STATE_COUNT] = {
	[DIALOGUE_GREETING] = {"the greeting", 5 * MINUTE},
	[DIALOGUE_EHLO] = {"the reply to EHLO", 5 * MINUTE},
	[DIALOGUE_HELO] = {"the reply to HELO", 5 * MINUTE},
	[DIALOGUE_READY] = {"nothing", 5 * MINUTE},
	[DIALOGUE_MAIL] = {"the reply to MAIL", 5 * MINUTE},
	[DIALOGUE_RCPT] = {"the reply to RCPT", 5 * MINUTE},
	[DIALOGUE_DATA] = {"the reply to DATA", 2 * MINUTE},
	[DIALOGUE_BODY] = {"the host to take the message", 3 * MINUTE},
	[DIALOGUE_FINAL] = {"the reply to the message", 10 * MINUTE},
	[DIALOGUE_DOT] = {"the reply to the empty message", 30 * SECOND},
	[DIALOGUE_RSET] = {"the reply to RSET", 30 * SECOND},
	[DIALOGUE_CLOSED] = {"nothing", 5 * MINUTE},
};

void dialogue_init(struct dialogue *d, struct span name)
{
	*d = (struct dialogue){.state = DIALOGUE_CLOSED, .name = name};
	str_init(&d->out, DIALOGUE_OUT_MAX);
}

void dialogue_free(struct dialogue *d)
{
	str_free(&d->out);
}

int64_t dialogue_timeout(const struct dialogue *d)
{
	return states[d->state].timeout_ms;
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

/* The class decides, also over an enhanced code that contradicts it. */
static struct outcome outcome_of(const struct dialogue *d, const struct reply *reply)
{
	static const enum journal_event by_class[] = {
		[2] = JOURNAL_DELIVERED, [3] = JOURNAL_DELAYED, [4] = JOURNAL_DELAYED, [5] = JOURNAL_FAILED};
	unsigned class = (unsigned)reply->code / 100;
	struct outcome outcome = {
		by_class[class], reply->code, reply->enhanced, d->host, {reply->text, reply->text_len}};
	if (outcome.enhanced.class != class)
		outcome.enhanced = (struct enhanced){.class = (uint8_t)(class == 3 ? 4 : class)};
	return outcome;
}

void dialogue_note_failure(struct dialogue *d, struct outcome outcome)
{
	size_t len = outcome.text.len < REPLY_TEXT_MAX ? outcome.text.len : REPLY_TEXT_MAX;
	if (len)
		memmove(d->failure_text, outcome.text.at, len);
	outcome.text = (struct span){d->failure_text, len};
	d->failure = outcome;
}

/* Nothing more can be said on this connection. Only what may have been handed over is decided here. */
static enum dialogue_next hang_up(struct dialogue *d, struct outcome outcome)
{
	dialogue_note_failure(d, outcome);
	if (d->state == DIALOGUE_FINAL)
		outcomes_decide_open(d->outcomes, true, &d->failure);
	else if (d->outcomes)
		outcomes_unaccept(d->outcomes);
	d->state = DIALOGUE_CLOSED;
	return DIALOGUE_HANG_UP;
}

static enum dialogue_next quit_after(struct dialogue *d, const struct reply *reply)
{
	struct outcome outcome = outcome_of(d, reply);
	if (outcome.event == JOURNAL_DELIVERED)
		outcome.event = JOURNAL_DELAYED;
	dialogue_quit(d);
	return hang_up(d, outcome);
}

/* A reply of a class that can't be an answer to what was said. */
static enum dialogue_next out_of_order(struct dialogue *d, const struct reply *reply)
{
	struct outcome outcome = outcome_of(d, reply);
	outcome.event = JOURNAL_DELAYED;
	outcome.enhanced = (struct enhanced){4, 5, 0};
	return hang_up(d, outcome);
}

void dialogue_quit(struct dialogue *d)
{
	str_append_text(&d->out, "QUIT\r\n");
}

enum dialogue_next dialogue_start(struct dialogue *d, struct span host, bool use_helo)
{
	d->host = host;
	d->use_helo = use_helo;
	d->can = (struct capabilities){0};
	d->reply = (struct reply){0};
	d->outcomes = NULL;
	str_clear(&d->out);
	return wait_for(d, DIALOGUE_GREETING);
}

static enum dialogue_next say_hello(struct dialogue *d, bool extended)
{
	str_printf(&d->out, "%s %.*s\r\n", extended ? "EHLO" : "HELO", SPAN_ARGS(d->name));
	return wait_for(d, extended ? DIALOGUE_EHLO : DIALOGUE_HELO);
}

/* The transaction: what is sent. */

static void say_mail(struct dialogue *d)
{
	str_printf(&d->out, "MAIL FROM:<%.*s>", SPAN_ARGS(d->mail->sender));
	if (d->can.size)
		str_printf(&d->out, " SIZE=%llu", (unsigned long long)d->mail->size);
	if (d->mail->eight_bit)
		str_append_text(&d->out, " BODY=8BITMIME");
	str_append_text(&d->out, "\r\n");
}

/* The next open recipient that was not sent yet, or NULL. */
static struct recipient *next_unsent(struct dialogue *d)
{
	while (d->sent < d->outcomes->n && d->outcomes->rcpts[d->sent].outcome)
		d->sent++;
	return d->sent < d->outcomes->n ? &d->outcomes->rcpts[d->sent] : NULL;
}

/* Sends what may be sent now: with PIPELINING ahead of the replies, without it one command at a time. */
static void send_ahead(struct dialogue *d)
{
	unsigned window = d->can.pipelining ? DIALOGUE_WINDOW : 1;
	struct recipient *r;
	while (!d->refused && d->outstanding < window && (r = next_unsent(d))) {
		str_printf(&d->out, "RCPT TO:<%.*s>\r\n", SPAN_ARGS(r->address));
		d->sent++;
		d->outstanding++;
	}
	bool in_turn = d->can.pipelining || !d->outstanding;
	bool hopeful = d->accepted || (d->can.pipelining && d->outstanding);
	if (!d->data_sent && !d->refused && in_turn && hopeful && !next_unsent(d)) {
		str_append_text(&d->out, "DATA\r\n");
		d->data_sent = true;
	}
}

/* Decides before anything is said; true when all recipients are decided. */
static bool decided_locally(struct dialogue *d)
{
	struct outcome outcome = {.event = JOURNAL_FAILED, .host = d->host};
	char text[128];
	if (d->can.size && d->can.size_max && d->mail->size > d->can.size_max) {
		outcome.enhanced = (struct enhanced){5, 3, 4};
		snprintf(text, sizeof(text), "the message of %llu octets is larger than the %llu that the host takes",
			 (unsigned long long)d->mail->size, (unsigned long long)d->can.size_max);
	} else if (d->mail->eight_bit && !d->can.eight_bit) {
		outcome.enhanced = (struct enhanced){5, 6, 3};
		snprintf(text, sizeof(text), "the message has 8-bit text and the host does not offer 8BITMIME");
	} else {
		return false;
	}
	outcome.text = span_of(text);
	outcomes_decide_open(d->outcomes, false, &outcome);
	return true;
}

enum dialogue_next dialogue_begin(struct dialogue *d, const struct dialogue_mail *mail, struct outcomes *outcomes)
{
	d->mail = mail;
	d->outcomes = outcomes;
	d->sent = d->answered = d->accepted = 0;
	d->outstanding = 0;
	d->data_sent = d->refused = false;
	if (decided_locally(d))
		return ready(d);
	say_mail(d);
	if (d->can.pipelining)
		send_ahead(d);
	return wait_for(d, DIALOGUE_MAIL);
}

/* The transaction: what is answered. */

static enum dialogue_next reset(struct dialogue *d)
{
	str_append_text(&d->out, "RSET\r\n");
	return wait_for(d, DIALOGUE_RSET);
}

/* After a reply to MAIL or RCPT: sends what has its turn now, and waits for the oldest reply under way. */
static enum dialogue_next next_reply(struct dialogue *d)
{
	send_ahead(d);
	if (d->outstanding)
		return wait_for(d, DIALOGUE_RCPT);
	if (d->data_sent)
		return wait_for(d, DIALOGUE_DATA);
	return d->refused ? ready(d) : reset(d);
}

static enum dialogue_next on_greeting(struct dialogue *d, const struct reply *reply)
{
	return reply->code / 100 == 2 ? say_hello(d, !d->use_helo) : quit_after(d, reply);
}

static enum dialogue_next on_ehlo(struct dialogue *d, const struct reply *reply)
{
	if (reply->code / 100 == 2)
		return ready(d);
	d->can = (struct capabilities){0};
	return reply->code / 100 == 5 ? say_hello(d, false) : quit_after(d, reply);
}

static enum dialogue_next on_helo(struct dialogue *d, const struct reply *reply)
{
	return reply->code / 100 == 2 ? ready(d) : quit_after(d, reply);
}

static enum dialogue_next on_mail(struct dialogue *d, const struct reply *reply)
{
	struct outcome outcome = outcome_of(d, reply);
	if (reply->code / 100 == 3)
		return out_of_order(d, reply);
	if (outcome.event != JOURNAL_DELIVERED) {
		d->refused = true;
		outcomes_decide_open(d->outcomes, false, &outcome);
	}
	return next_reply(d);
}

/*
 * The host takes no more recipients in this transaction, which is no fault of theirs (RFC 5321 4.5.3.1.10). Once others
 * were accepted a new transaction makes progress.
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
	struct outcome outcome = outcome_of(d, reply);
	if (outcome.event == JOURNAL_DELIVERED) {
		r->accepted = true;
		d->accepted++;
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
		return out_of_order(d, reply);
	struct outcome outcome = outcome_of(d, reply);
	outcomes_decide_open(d->outcomes, true, &outcome);
	return d->refused ? ready(d) : reset(d);
}

static enum dialogue_next on_body(struct dialogue *d, const struct reply *reply)
{
	if (reply->code / 100 < 4)
		return out_of_order(d, reply);
	struct outcome outcome = outcome_of(d, reply);
	outcomes_decide_open(d->outcomes, true, &outcome);
	return hang_up(d, outcome);
}

enum dialogue_next dialogue_sent(struct dialogue *d)
{
	return wait_for(d, DIALOGUE_FINAL);
}

static enum dialogue_next on_final(struct dialogue *d, const struct reply *reply)
{
	if (reply->code / 100 == 3)
		return out_of_order(d, reply);
	struct outcome outcome = outcome_of(d, reply);
	outcomes_decide_open(d->outcomes, true, &outcome);
	return ready(d);
}

static enum dialogue_next on_end(struct dialogue *d, const struct reply *reply)
{
	return reply->code / 100 == 3 ? out_of_order(d, reply) : ready(d);
}

static enum dialogue_next step(struct dialogue *d, const struct reply *reply)
{
	static enum dialogue_next (*const on[DIALOGUE_STATE_COUNT])(struct dialogue *, const struct reply *) = {
		[DIALOGUE_GREETING] = on_greeting, [DIALOGUE_EHLO] = on_ehlo, [DIALOGUE_HELO] = on_helo,
		[DIALOGUE_READY] = out_of_order,   [DIALOGUE_MAIL] = on_mail, [DIALOGUE_RCPT] = on_rcpt,
		[DIALOGUE_DATA] = on_data,         [DIALOGUE_BODY] = on_body, [DIALOGUE_FINAL] = on_final,
		[DIALOGUE_DOT] = on_end,           [DIALOGUE_RSET] = on_end,  [DIALOGUE_CLOSED] = out_of_order,
	};
	return reply->code == 421 ? hang_up(d, outcome_of(d, reply)) : on[d->state](d, reply);
}

enum dialogue_next dialogue_broken(struct dialogue *d, enum dialogue_break how, struct span text)
{
	static const struct {
		const char *text;
		struct enhanced enhanced;
		int code;
	} breaks[] = {
		[DIALOGUE_LOST] = {"connection lost while waiting for", {4, 4, 2}, 0},
		[DIALOGUE_TIMEOUT] = {"time-out while waiting for", {4, 4, 2}, 0},
		[DIALOGUE_GARBLED] = {"the host does not speak SMTP; waiting for", {4, 5, 0}, 0},
		[DIALOGUE_UNTRUSTED] = {"no TLS with the host before", {4, 7, 5}, 0},
		[DIALOGUE_OURS] = {"stopped while waiting for", {4, 3, 0}, 451},
	};
	/* A refusal in mid-data whose last line got lost in the reset that follows it is a refusal. */
	if (d->state == DIALOGUE_BODY && d->reply.code >= 400)
		return step(d, &d->reply);
	struct str line;
	str_init(&line, REPLY_TEXT_MAX);
	str_printf(&line, "%s %s", breaks[how].text, states[d->state].waiting_for);
	if (text.len)
		str_printf(&line, ": %.*s", SPAN_ARGS(text));
	struct outcome outcome = {JOURNAL_DELAYED, breaks[how].code, breaks[how].enhanced, d->host, str_span(&line)};
	if (how == DIALOGUE_OURS)
		outcome.host = (struct span){0};
	enum dialogue_next next = hang_up(d, outcome);
	str_free(&line);
	return next;
}

enum dialogue_next dialogue_line(struct dialogue *d, struct span line)
{
	if (!reply_add_line(&d->reply, line))
		return dialogue_broken(d, DIALOGUE_GARBLED, (struct span){0});
	if (d->state == DIALOGUE_EHLO && d->reply.lines > 1)
		capabilities_add(&d->can, span_skip(line, 4));
	if (!d->reply.complete)
		return DIALOGUE_READ;
	struct reply reply = d->reply;
	d->reply = (struct reply){0};
	return step(d, &reply);
}
