#include "common/process/pace.h"

enum { SECOND = 1000, ROW_BROKEN_MS = 2000 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t grow_batch(struct pace *p, int64_t now)
{
	bool again = p->batch && now - p->shortage_at < SECOND;
	p->batch = again ? least(p->batch * 2, PACE_BATCH_MAX) : 1;
	p->shortage_at = now;
	return p->batch;
}

size_t pace_forks(struct pace *p, size_t missing, size_t room, int64_t now)
{
	if (p->early_row && now - p->early_at >= ROW_BROKEN_MS)
		p->early_row = 0;
	if (!missing || !room || pace_delay(p, now))
		return 0;
	if (p->early_row >= PACE_EARLY_ROW) {
		p->fork_after = now + SECOND;
		return 1;
	}
	size_t batch = grow_batch(p, now);
	return least(least(missing > batch ? missing : batch, PACE_BATCH_MAX), room);
}

void pace_fork_failed(struct pace *p, int64_t now)
{
	p->fork_after = now + SECOND;
}

bool pace_death(struct pace *p, bool failed, int64_t lived, int64_t now)
{
	if (failed)
		p->batch = 0;
	if (!failed || lived >= PACE_EARLY_MS) {
		p->early_row = 0;
		return false;
	}
	p->early_at = now;
	if (p->early_row < PACE_EARLY_ROW && ++p->early_row == PACE_EARLY_ROW) {
		p->fork_after = now + SECOND;
		return true;
	}
	return false;
}

bool pace_retire(struct pace *p, bool surplus, int64_t now)
{
	if (surplus && !p->surplus)
		p->surplus_since = now;
	p->surplus = surplus;
	if (!surplus || now - p->surplus_since <= p->surplus_ms || now < p->retire_after)
		return false;
	p->retire_after = now + SECOND;
	return true;
}

int64_t pace_delay(const struct pace *p, int64_t now)
{
	return p->fork_after > now ? p->fork_after - now : 0;
}
