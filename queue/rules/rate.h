/*
 * No more than COUNT in any stretch of PERIOD, as the one who counts at the other end sees it: he counts what is sent
 * at some moment between its beginning and its end, so a place that was taken is free again a period after the end. Of
 * the ends the last COUNT are remembered, which makes it exact: as fast as may be, never faster. Pure; times are
 * monotonic milliseconds.
 */
#ifndef QUEUE_RULES_RATE_H
#define QUEUE_RULES_RATE_H

#include "common/config/config.h"

struct rate {
	struct config_rate limit; /* count 0 = none: everything may be sent */
	int64_t *ends;            /* ring of limit.count; owned */
	size_t newest, known;
	size_t out; /* begun and not ended */
};

/* Sets or changes the limit; what is known of the past stays. False without memory: then the old one stays. */
bool rate_limit(struct rate *r, struct config_rate limit);
void rate_free(struct rate *r);

/* When the next may begin: NOW or before = at once, INT64_MAX = not before one of those that are out has ended. */
int64_t rate_next(const struct rate *r);

void rate_begin(struct rate *r);

/* One of those that are out has ended and counts as COUNT: 0 when nothing was sent after all. */
void rate_end(struct rate *r, size_t count, int64_t now_ms);

/* How many count at NOW: those that are out, and those that have ended within the last period. */
size_t rate_taken(const struct rate *r, int64_t now_ms);

/* Nothing is out, and the past says nothing any more. */
bool rate_idle(const struct rate *r, int64_t now_ms);

#endif
