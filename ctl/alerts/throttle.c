#include "ctl/alerts/throttle.h"

#include <string.h>

/* A clock that was set back: what seems to come is taken as now, so no wait is longer than it should be. */
static void clamp(int64_t *when, int64_t now)
{
	if (*when > now)
		*when = now;
}

static void forget_old(struct throttle *t, int64_t now)
{
	size_t old = 0;
	for (size_t i = 0; i < t->n; i++) {
		clamp(&t->sent_ms[i], now);
		if (now - t->sent_ms[i] >= THROTTLE_HOUR_MS)
			old = i + 1;
	}
	t->n -= old;
	memmove(t->sent_ms, t->sent_ms + old, t->n * sizeof(t->sent_ms[0]));
}

enum throttle_step throttle_step(struct throttle *t, size_t due, uint64_t untold, int64_t now)
{
	forget_old(t, now);
	clamp(&t->failed_ms, now);
	if (!due && !untold)
		return THROTTLE_WAIT;
	if (t->n == THROTTLE_AN_HOUR) {
		t->collects = true;
		return THROTTLE_WAIT;
	}
	if (t->pause_ms && now - t->failed_ms < t->pause_ms)
		return THROTTLE_WAIT;
	return untold || (t->collects && due > 1) ? THROTTLE_ALL : THROTTLE_ONE;
}

void throttle_sent(struct throttle *t, int64_t now)
{
	forget_old(t, now);
	if (t->n < THROTTLE_AN_HOUR)
		t->sent_ms[t->n++] = now;
	t->collects = false;
	t->pause_ms = 0;
}

void throttle_failed(struct throttle *t, int64_t now)
{
	t->failed_ms = now;
	if (!t->pause_ms)
		t->pause_ms = THROTTLE_RETRY_MS;
	else if (t->pause_ms < THROTTLE_RETRY_MAX_MS / 2)
		t->pause_ms *= 2;
	else
		t->pause_ms = THROTTLE_RETRY_MAX_MS;
}
