#include "delivery/report/outcome.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"

const char *outcome_unreadable(int err)
{
	return err == EPIPE ? N_("the message file is shorter than its name says") : strerror(err);
}

static bool bit_set(struct span bitmap, size_t n)
{
	return bitmap.len == 0 || (n / 8 < bitmap.len && ((unsigned char)bitmap.at[n / 8] >> (n % 8) & 1));
}

/* A bit beyond the recipients: the job is about another message. */
static bool stray_bits(struct span bitmap, size_t count)
{
	for (size_t n = count; n < bitmap.len * 8; n++)
		if (bit_set(bitmap, n))
			return true;
	return false;
}

bool outcomes_select(struct outcomes *o, struct arena *arena, const struct envelope *envelope, struct span bitmap)
{
	const struct dsn_rcpt none = {0};
	*o = (struct outcomes){.arena = arena};
	if (stray_bits(bitmap, envelope->rcpt_count))
		return false;
	o->rcpts = arena_alloc(arena, envelope->rcpt_count * sizeof(*o->rcpts));
	if (!o->rcpts)
		return false;
	for (size_t i = 0; i < envelope->rcpt_count; i++)
		if (bit_set(bitmap, i))
			o->rcpts[o->n++] =
				(struct recipient){.ordinal = (uint32_t)i,
						   .address = envelope->rcpts[i].text,
						   .dsn = envelope->dsn_rcpts ? envelope->dsn_rcpts[i] : none};
	return o->n > 0;
}

uint32_t outcomes_first(struct span bitmap)
{
	uint32_t n = 0;
	while (n < bitmap.len * 8 && !bit_set(bitmap, n))
		n++;
	return n < bitmap.len * 8 ? n : 0;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->event == b->event && a->code == b->code && a->enhanced.class == b->enhanced.class &&
	       a->enhanced.subject == b->enhanced.subject && a->enhanced.detail == b->enhanced.detail &&
	       span_equal(a->host, b->host) && span_equal(a->tls, b->tls) && span_equal(a->text, b->text);
}

/* Waits until there is memory: if the host's reply is not reported, the message is sent a second time. */
static void *allocate(struct arena *arena, size_t size)
{
	void *memory;
	int pause_ms = 0;
	while (!(memory = arena_alloc(arena, size))) {
		if (size > arena->limit - arena->used)
			log_fatal(EXIT_TEMPORARY, "the outcomes of a delivery exceed their bound");
		clock_back_off(&pause_ms);
	}
	return memory;
}

static struct span keep_text(struct arena *arena, struct span text)
{
	char *copy = allocate(arena, text.len + 1);
	if (text.len)
		memcpy(copy, text.at, text.len);
	return (struct span){copy, text.len};
}

static const struct outcome *keep(struct outcomes *o, const struct outcome *outcome)
{
	if (o->last && same(o->last, outcome))
		return o->last;
	struct outcome *kept = allocate(o->arena, sizeof(*kept));
	*kept = *outcome;
	kept->host = keep_text(o->arena, outcome->host);
	kept->tls = keep_text(o->arena, outcome->tls);
	kept->text = keep_text(o->arena, outcome->text);
	o->last = kept;
	return kept;
}

void outcomes_decide(struct outcomes *o, struct recipient *r, const struct outcome *outcome)
{
	r->outcome = keep(o, outcome);
}

void outcomes_decide_open(struct outcomes *o, bool accepted, const struct outcome *outcome)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->rcpts[i].outcome && (o->rcpts[i].accepted || !accepted))
			outcomes_decide(o, &o->rcpts[i], outcome);
}

void outcomes_unaccept(struct outcomes *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->rcpts[i].outcome)
			o->rcpts[i].accepted = false;
}

size_t outcomes_open(const struct outcomes *o)
{
	size_t open = 0;
	for (size_t i = 0; i < o->n; i++)
		open += !o->rcpts[i].outcome;
	return open;
}

bool outcomes_run(const struct outcomes *o, size_t *at, struct outcome_run *run)
{
	while (*at < o->n && !o->rcpts[*at].outcome)
		++*at;
	if (*at >= o->n)
		return false;
	const struct recipient *first = &o->rcpts[*at], *r = first;
	*run = (struct outcome_run){first->ordinal, first->ordinal, *at, 0, first->outcome};
	while (*at < o->n && r->ordinal == first->ordinal + run->count && r->outcome &&
	       (r->outcome == first->outcome || same(r->outcome, first->outcome))) {
		run->last = r->ordinal;
		run->count++;
		r = &o->rcpts[++*at];
	}
	return true;
}
