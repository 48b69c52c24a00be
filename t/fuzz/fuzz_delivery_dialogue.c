/*
 * A host that may say anything. The first octet chooses what is offered to it; the rest are its lines. Whatever it
 * says: commands stay within their bound, no recipient is decided twice, none is lost, and `delivered` needs a message
 * sent.
 */
#include "delivery/dialogue.h"
#include "t/fuzz/must.h"

enum { RCPTS = 5 };

static void check(const struct outcomes *o, const struct recipient *before, bool sent)
{
	for (size_t i = 0; i < RCPTS; i++) {
		const struct outcome *now = o->rcpts[i].outcome;
		MUST(!before[i].outcome || before[i].outcome == now);
		MUST(sent || !now || now->event != JOURNAL_DELIVERED);
	}
}

static void converse(struct dialogue *d, struct outcomes *o, const struct dialogue_mail *mail, struct span text,
		     bool helo)
{
	struct recipient before[RCPTS];
	struct span line;
	bool sent = false;
	size_t size = text.len;
	enum dialogue_next next = dialogue_start(d, SPAN("mx"), helo);
	for (size_t steps = 0; next != DIALOGUE_HANG_UP; steps++) {
		for (size_t i = 0; i < RCPTS; i++)
			before[i] = o->rcpts[i];
		MUST(!d->out.failed && steps <= size + 100);
		str_clear(&d->out);
		if (next == DIALOGUE_IDLE && !outcomes_open(o))
			break;
		if (next == DIALOGUE_IDLE)
			next = dialogue_begin(d, mail, o);
		else if (next == DIALOGUE_SEND_BODY && (sent = true))
			next = dialogue_sent(d);
		else if (span_line(&text, &line))
			next = dialogue_line(d, line);
		else
			next = dialogue_broken(d, DIALOGUE_LOST, (struct span){0});
		check(o, before, sent);
	}
	outcomes_decide_open(o, false, &d->failure);
	MUST(outcomes_open(o) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 64 * 1024)
		return 0;
	struct address rcpts[RCPTS] = {{.text = SPAN("b@example.net")}};
	struct envelope envelope = {.rcpts = rcpts, .rcpt_count = RCPTS};
	struct dialogue_mail mail = {SPAN("a@example.com"), 1000, data[0] & 1};
	struct dialogue d;
	struct outcomes o;
	struct arena arena;
	arena_init(&arena, OUTCOME_ARENA_MAX);
	dialogue_init(&d, SPAN("relay.example.com"));
	MUST(outcomes_select(&o, &arena, &envelope, (struct span){0}));
	converse(&d, &o, &mail, (struct span){(const char *)data + 1, size - 1}, data[0] & 2);
	dialogue_free(&d);
	arena_free(&arena);
	return 0;
}
