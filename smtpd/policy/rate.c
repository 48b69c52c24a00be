#include "smtpd/policy/rate.h"

enum { NS_OF_MS = 1000 * 1000 };

static uint64_t period_ns(const struct config_rate *limit)
{
	return (uint64_t)limit->period_ms * NS_OF_MS;
}

/* How far the counter is ahead of MONO_MS, in ns; bounded, because the word is in shared memory. */
static uint64_t ahead(uint64_t word, const struct config_rate *limit, int64_t mono_ms)
{
	uint64_t now = (uint64_t)mono_ms * NS_OF_MS, most = 2 * period_ns(limit);
	uint64_t far = word > now ? word - now : 0;
	return far < most ? far : most;
}

/* The time for which N events fill the counter: a period at most. */
static uint64_t cost(const struct config_rate *limit, uint64_t n)
{
	uint64_t count = (uint64_t)limit->count;
	if (n >= count)
		return period_ns(limit);
	return (uint64_t)((unsigned __int128)n * period_ns(limit) / count);
}

uint64_t rate_mark(const struct config_rate *limit)
{
	return (uint64_t)limit->count ^ (uint64_t)limit->period_ms << 32;
}

int64_t rate_wait_ms(uint64_t word, const struct config_rate *limit, uint64_t n, int64_t mono_ms)
{
	if (!limit->count)
		return 0;
	uint64_t full = ahead(word, limit, mono_ms) + cost(limit, n), period = period_ns(limit);
	return full <= period ? 0 : (int64_t)((full - period + NS_OF_MS - 1) / NS_OF_MS);
}

uint64_t rate_add(uint64_t word, const struct config_rate *limit, uint64_t n, int64_t mono_ms)
{
	if (!limit->count)
		return 0;
	uint64_t full = ahead(word, limit, mono_ms) + cost(limit, n), most = 2 * period_ns(limit);
	return (uint64_t)mono_ms * NS_OF_MS + (full < most ? full : most);
}

uint64_t rate_used(uint64_t word, const struct config_rate *limit, int64_t mono_ms)
{
	if (!limit->count)
		return 0;
	unsigned __int128 far = (unsigned __int128)ahead(word, limit, mono_ms) * (uint64_t)limit->count;
	return (uint64_t)((far + period_ns(limit) - 1) / period_ns(limit));
}

unsigned rate_percent(uint64_t word, const struct config_rate *limit, int64_t mono_ms)
{
	if (!limit->count)
		return 0;
	return (unsigned)(ahead(word, limit, mono_ms) * 100 / period_ns(limit));
}
