#include "delivery/ending.h"

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
	return outcome;
}

void ending_quote(struct str *to, const struct reply *reply)
{
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(reply->enhanced, enhanced);
	str_printf(to, "%d%s%s%s%.*s", reply->code, *enhanced ? " " : "", enhanced, reply->text_len ? " " : "",
		   (int)reply->text_len, reply->text);
}

struct outcome ending_unwanted(const struct dialogue *d, const struct reply *reply)
{
	struct outcome outcome = ending_outcome(d, reply);
	outcome.event = JOURNAL_DELAYED;
	outcome.enhanced.class = 4;
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
	str_printf(&text, "the host answered out of turn while we waited for %s: ", dialogue_waits_for(d));
	ending_quote(&text, reply);
	outcome.event = JOURNAL_DELAYED;
	outcome.enhanced = (struct enhanced){4, 5, 0};
	outcome.text = str_span(&text);
	enum dialogue_next next = ending_hang_up(d, outcome);
	str_free(&text);
	return next;
}
