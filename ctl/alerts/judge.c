#include "ctl/alerts/judge.h"

#include <string.h>

enum watch_level judge_age(int64_t age_ms, int64_t limit_ms)
{
	if (age_ms >= limit_ms)
		return WATCH_BAD;
	return age_ms < limit_ms - limit_ms / 10 ? WATCH_GOOD : WATCH_BETWEEN;
}

enum watch_level judge_room(uint64_t free, uint64_t total, unsigned percent)
{
	unsigned enough = percent + (percent < 10 ? 1 : percent / 10);
	double share = total ? 100.0 * (double)free / (double)total : 100;
	if (share < percent)
		return WATCH_BAD;
	return share >= enough || share >= 100 ? WATCH_GOOD : WATCH_BETWEEN;
}

enum watch_level judge_expiry(int64_t left_ms, int64_t limit_ms)
{
	return left_ms < limit_ms ? WATCH_BAD : WATCH_GOOD;
}

static void note_end(struct judge_process *p, int64_t now)
{
	memmove(p->ends, p->ends + 1, sizeof(p->ends) - sizeof(p->ends[0]));
	p->ends[JUDGE_ENDS - 1] = now;
}

/* Whether END is one within the time that counts. A clock that was set back makes it one of now. */
static bool is_recent(int64_t *end, int64_t now)
{
	if (*end > now)
		*end = now;
	return *end && now - *end < JUDGE_ENDS_MS;
}

enum watch_level judge_restarts(struct judge_process *p, uint64_t restarts, int64_t now)
{
	unsigned recent = 0;
	uint64_t more = p->known && restarts > p->restarts ? restarts - p->restarts : 0;
	for (uint64_t i = 0; i < more && i < JUDGE_ENDS; i++)
		note_end(p, now);
	p->restarts = restarts;
	p->known = true;
	for (size_t i = 0; i < JUDGE_ENDS; i++)
		recent += is_recent(&p->ends[i], now);
	if (recent == JUDGE_ENDS)
		return WATCH_BAD;
	return recent ? WATCH_BETWEEN : WATCH_GOOD;
}
