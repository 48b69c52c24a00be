#include "queue/rules/rate.h"

#include <stdlib.h>

#include "common/config/value.h"

/* When number BACK ended; 1 = the newest. */
static int64_t end_at(const struct rate *r, size_t back)
{
	size_t count = (size_t)r->limit.count;
	return r->ends[(r->newest + count - (back - 1)) % count];
}

bool rate_limit(struct rate *r, struct config_shared_rate limit)
{
	size_t count = (size_t)limit.count;
	if (limit.count == r->limit.count) {
		r->limit = limit;
		return true;
	}
	int64_t *ends = count ? calloc(count, sizeof(*ends)) : NULL;
	if (count && !ends)
		return false;
	size_t known = r->known < count ? r->known : count;
	for (size_t back = known; back; back--)
		ends[known - back] = end_at(r, back);
	free(r->ends);
	*r = (struct rate){limit, ends, known ? known - 1 : 0, known, r->out};
	return true;
}

void rate_free(struct rate *r)
{
	free(r->ends);
	*r = (struct rate){.out = 0};
}

int64_t rate_next(const struct rate *r)
{
	size_t count = (size_t)r->limit.count;
	if (!count)
		return INT64_MIN;
	if (r->out >= count)
		return INT64_MAX;
	size_t places = count - r->out;
	/* One millisecond more, because the clock rounds down. */
	return r->known < places ? INT64_MIN : end_at(r, places) + r->limit.period_ms + 1;
}

void rate_describe(const struct rate *r, struct str *to)
{
	const struct config_rate own = {r->limit.count, r->limit.period_ms};
	config_value_format(CONFIG_EVENTRATE, &own, to);
	if (!r->limit.parts)
		return;
	str_append_text(to, " (");
	config_value_format(CONFIG_RATE, &r->limit, to);
	str_append_c(to, ')');
}

void rate_begin(struct rate *r)
{
	r->out++;
}

void rate_end(struct rate *r, size_t count, int64_t now_ms)
{
	size_t size = (size_t)r->limit.count;
	if (r->out)
		r->out--;
	for (size_t i = 0; size && i < count && i < size; i++) {
		r->newest = (r->newest + 1) % size;
		r->ends[r->newest] = now_ms;
		if (r->known < size)
			r->known++;
	}
}

size_t rate_taken(const struct rate *r, int64_t now_ms)
{
	size_t ended = 0;
	while (ended < r->known && end_at(r, ended + 1) + r->limit.period_ms >= now_ms)
		ended++;
	return r->out + ended;
}

bool rate_idle(const struct rate *r, int64_t now_ms)
{
	return !r->out && (!r->known || end_at(r, 1) + r->limit.period_ms < now_ms);
}
