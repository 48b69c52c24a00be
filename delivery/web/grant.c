#include "delivery/web/grant.h"

enum { POLL_SLOWER_MS = 5000, JITTER_PART = 10 /* of a time, both ways */, DOUBLINGS_MAX = 9 };

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* TIME_MS and up to a tenth more or less. */
static int64_t vary(int64_t time_ms, unsigned jitter)
{
	int64_t span = 2 * time_ms / JITTER_PART;
	return time_ms - span / 2 + span * (int64_t)(jitter % GRANT_JITTER_MAX) / GRANT_JITTER_MAX;
}

/* Half of what is left of its life, and early enough where there is room for that. */
static int64_t renewal_after(int64_t life_ms, unsigned jitter)
{
	int64_t half = life_ms / 2, last = life_ms - GRANT_MARGIN_MS;
	int64_t after = vary(half, jitter);
	return last > half ? sooner(after, last) : after;
}

void grant_begin(struct grant *g, bool signed_in, int64_t until_wall, struct grant_clock now, unsigned jitter)
{
	*g = (struct grant){.signed_in = signed_in, .until_wall = until_wall, .asked_mono = GRANT_NEVER};
	g->next_mono = signed_in ? now.mono : GRANT_NEVER;
	if (signed_in && grant_usable(g, now))
		g->next_mono = now.mono + renewal_after(until_wall - now.wall, jitter);
}

bool grant_usable(const struct grant *g, struct grant_clock now)
{
	return g->until_wall && now.wall < g->until_wall - GRANT_LEAST_MS;
}

enum grant_state grant_state(const struct grant *g, struct grant_clock now)
{
	bool usable = grant_usable(g, now);
	if (g->polling || g->under_way == GRANT_ASK_CODE)
		return GRANT_POLLING;
	if (g->under_way == GRANT_ASK_TOKEN)
		return usable ? GRANT_RENEWING : GRANT_ASKING;
	if (usable)
		return GRANT_VALID;
	if (!g->signed_in || (g->failures && g->failed_class == GRANT_PERSON))
		return GRANT_LOGIN_NEEDED;
	return g->failures ? GRANT_WAIT : GRANT_NONE;
}

/* GAP_MS after the last request, or now. */
static int64_t not_before(const struct grant *g, int64_t gap_ms, struct grant_clock now)
{
	return g->asked_mono == GRANT_NEVER ? now.mono : later(now.mono, g->asked_mono + gap_ms);
}

/*
 * When a token is to be asked for, by the clock of waits. A token that ended before, because the clock
 * was set or the machine slept, is renewed at once, unless failures have slowed us down.
 */
static int64_t token_due(const struct grant *g, struct grant_clock now)
{
	if (!g->until_wall || grant_usable(g, now) || !g->signed_in || g->failures)
		return g->next_mono;
	return sooner(g->next_mono, not_before(g, GRANT_LEAST_MS, now));
}

enum grant_request grant_due(const struct grant *g, struct grant_clock now)
{
	if (g->under_way != GRANT_ASK_NOTHING)
		return GRANT_ASK_NOTHING;
	if (g->poll_mono && g->poll_mono <= now.mono)
		return g->polling ? GRANT_ASK_POLL : GRANT_ASK_CODE;
	return token_due(g, now) <= now.mono ? GRANT_ASK_TOKEN : GRANT_ASK_NOTHING;
}

int64_t grant_until_due(const struct grant *g, struct grant_clock now)
{
	if (g->under_way != GRANT_ASK_NOTHING)
		return GRANT_NEVER;
	int64_t due = token_due(g, now);
	if (g->poll_mono)
		due = sooner(due, g->poll_mono);
	return due == GRANT_NEVER ? GRANT_NEVER : later(due - now.mono, 0);
}

void grant_asked(struct grant *g, enum grant_request what, struct grant_clock now)
{
	g->under_way = what;
	if (what == GRANT_ASK_TOKEN)
		g->asked_mono = now.mono;
	else
		g->poll_mono = 0;
}

static void end_sign_in(struct grant *g)
{
	g->polling = false;
	g->poll_mono = 0;
}

void grant_got(struct grant *g, int64_t life_ms, struct grant_clock now, unsigned jitter)
{
	bool by_sign_in = g->under_way == GRANT_ASK_POLL;
	if (by_sign_in)
		end_sign_in(g);
	if (by_sign_in || !g->fetch_for_refusal)
		g->refusals = 0;
	g->fetch_for_refusal = false;
	g->under_way = GRANT_ASK_NOTHING;
	g->signed_in = true;
	g->failures = 0;
	g->until_wall = now.wall + life_ms;
	g->next_mono = now.mono + renewal_after(life_ms, jitter);
}

static int64_t passing_wait(unsigned failures)
{
	unsigned doublings = failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX;
	return sooner((int64_t)GRANT_FIRST_MS << doublings, GRANT_PASSING_MAX_MS);
}

/* FAILURES of the class came before this one. */
static int64_t wait_of(enum grant_class class, unsigned failures)
{
	switch (class) {
	case GRANT_PASSING:
		return passing_wait(failures);
	case GRANT_OURS:
		return failures ? GRANT_OURS_MS : GRANT_OURS_FIRST_MS;
	case GRANT_PERSON:
		break;
	}
	return GRANT_PERSON_MS;
}

void grant_failed(struct grant *g, enum grant_class class, int64_t retry_after_ms, struct grant_clock now,
		  unsigned jitter)
{
	if (g->failures && g->failed_class != class)
		g->failures = 0;
	int64_t wait = vary(wait_of(class, g->failures), jitter);
	if (retry_after_ms)
		wait = later(GRANT_RETRY_AFTER_MIN_MS, sooner(retry_after_ms, GRANT_RETRY_AFTER_MAX_MS));
	g->under_way = GRANT_ASK_NOTHING;
	g->failed_class = class;
	g->failures++;
	g->next_mono = now.mono + wait;
}

/* A request that waits for a failure to pass keeps its time. */
void grant_refused(struct grant *g, struct grant_clock now)
{
	int64_t gap = g->refusals ? GRANT_REFUSED_MS : GRANT_REFUSED_FIRST_MS;
	if (g->fetch_for_refusal || g->failures || !g->signed_in)
		return;
	g->refusals++;
	g->fetch_for_refusal = true;
	g->next_mono = sooner(g->next_mono, not_before(g, gap, now));
}

void grant_hurry(struct grant *g, struct grant_clock now)
{
	g->signed_in = true;
	g->next_mono = now.mono;
}

void grant_sign_in(struct grant *g, struct grant_clock now)
{
	g->polling = false;
	g->poll_mono = now.mono ? now.mono : 1;
}

void grant_code(struct grant *g, int64_t life_ms, int64_t interval_ms, struct grant_clock now)
{
	g->under_way = GRANT_ASK_NOTHING;
	g->polling = true;
	g->poll_every_ms = interval_ms;
	g->poll_end_mono = now.mono + life_ms;
	g->poll_mono = now.mono + interval_ms;
}

void grant_pending(struct grant *g, bool slow, struct grant_clock now)
{
	g->under_way = GRANT_ASK_NOTHING;
	if (slow)
		g->poll_every_ms += POLL_SLOWER_MS;
	g->poll_mono = now.mono + g->poll_every_ms;
	if (g->poll_mono > g->poll_end_mono)
		end_sign_in(g);
}

void grant_sign_in_failed(struct grant *g)
{
	if (g->under_way != GRANT_ASK_TOKEN)
		g->under_way = GRANT_ASK_NOTHING;
	end_sign_in(g);
}

void grant_forget(struct grant *g)
{
	*g = (struct grant){.next_mono = GRANT_NEVER, .asked_mono = g->asked_mono};
}
