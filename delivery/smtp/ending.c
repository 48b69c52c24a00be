#include "delivery/smtp/ending.h"

#include "common/base/language.h"
#include "delivery/smtp/refusal.h"

struct outcome ending_outcome(const struct dialogue *d, const struct reply *reply)
{
	static const enum journal_event by_class[] = {
		[2] = JOURNAL_DELIVERED, [3] = JOURNAL_DELAYED, [4] = JOURNAL_DELAYED, [5] = JOURNAL_FAILED};
	unsigned class = (unsigned)reply->code / 100;
	struct outcome outcome = {.event = by_class[class],
				  .code = reply->code,
				  .enhanced = reply->enhanced,
				  .host = d->host,
				  .tls = d->tls,
				  .text = {reply->text, reply->text_len}};
	if (outcome.enhanced.class != class)
		outcome.enhanced = (struct enhanced){.class = (uint8_t)(class == 3 ? 4 : class)};
	if (refusal_will_pass(reply)) {
		outcome.event = JOURNAL_DELAYED;
		outcome.enhanced.class = 4;
	}
	return outcome;
}

void ending_quote(struct str *to, const struct reply *reply, size_t max)
{
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(reply->enhanced, enhanced);
	str_printf(to, "%d%s%s%s%.*s", reply->code, *enhanced ? " " : "", enhanced, reply->text_len ? " " : "",
		   (int)(reply->text_len < max ? reply->text_len : max), reply->text);
}

static void describe_unproved(const struct dialogue *d, const struct reply *reply, struct str *to)
{
	const struct dialogue_security *s = &d->security;
	bool clear = refusal_wants_tls(reply) && !s->secured;
	if (clear)
		str_append_text(to, N_("the host requires TLS for mail, and this connection has none"));
	else if (s->authenticated)
		str_printf(to, N_("the host does not accept mail from the user of %.*s"), SPAN_ARGS(s->credentials));
	else
		str_append_text(to, N_("the host requires authentication"));
	str_append_text(to, ": ");
	ending_quote(to, reply, ENDING_QUOTE_MAX);
	if (clear)
		str_printf(to, "; %s", N_("write tls opportunistic, or see in the log why TLS failed"));
	else if (!s->authenticated && s->found)
		str_printf(
			to, "; %s",
			N_("hosts found by MX get no password: write a route with the host in brackets, with auth, username and password_file"));
	else if (!s->authenticated && d->mail->written.len) {
		str_append_text(to, "; ");
		str_printf(to, N_("write auth, username and password_file into outbound of %.*s"),
			   SPAN_ARGS(d->mail->written));
	}
}

struct outcome ending_unproved(const struct dialogue *d, const struct reply *reply, struct str *text)
{
	struct outcome outcome = ending_unwanted(d, reply);
	describe_unproved(d, reply, text);
	outcome.text = (struct span){text->at, text->len < REPLY_TEXT_MAX ? text->len : REPLY_TEXT_MAX};
	return outcome;
}

struct outcome ending_unwanted(const struct dialogue *d, const struct reply *reply)
{
	struct outcome outcome = ending_outcome(d, reply);
	outcome.event = JOURNAL_DELAYED;
	outcome.enhanced.class = 4;
	if (refusal_wants_proof(reply))
		outcome.enhanced = (struct enhanced){4, 7, 8};
	return outcome;
}

enum dialogue_next ending_hang_up(struct dialogue *d, struct outcome outcome)
{
	bool starting_tls = d->state == DIALOGUE_STARTTLS || d->state == DIALOGUE_SECURING;
	dialogue_note_failure(d, outcome);
	if (d->state == DIALOGUE_FINAL)
		outcomes_decide_open(d->outcomes, true, &d->failure);
	else if (d->outcomes)
		outcomes_unaccept(d->outcomes);
	d->tls_failed = starting_tls && !d->security.implicit && d->security.tls == CONFIG_TLS_OPPORTUNISTIC;
	d->state = DIALOGUE_CLOSED;
	return DIALOGUE_HANG_UP;
}

enum dialogue_next ending_quit(struct dialogue *d, struct outcome outcome)
{
	dialogue_quit(d);
	return ending_hang_up(d, outcome);
}

enum dialogue_next ending_out_of_order(struct dialogue *d, const struct reply *reply)
{
	struct outcome outcome = ending_outcome(d, reply);
	struct str text;
	str_init(&text, 2 * REPLY_TEXT_MAX);
	str_printf(&text, N_("the host sent a reply of the wrong class while we waited for %s"), dialogue_waits_for(d));
	str_append_text(&text, ": ");
	ending_quote(&text, reply, REPLY_TEXT_MAX);
	outcome.event = JOURNAL_DELAYED;
	outcome.enhanced = (struct enhanced){4, 5, 0};
	outcome.text = str_span(&text);
	enum dialogue_next next = ending_hang_up(d, outcome);
	str_free(&text);
	return next;
}
