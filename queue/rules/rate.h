/*
 * A rate limit: at most COUNT messages within any PERIOD, as the other end counts them. The other end counts a message
 * at some moment between its beginning and its end, so its place is free again one PERIOD after its end. The last COUNT
 * ends are remembered, which makes the limit exact: as fast as permitted, and never faster. No I/O and no clock; times
 * are milliseconds of the monotonic clock.
 */
#ifndef QUEUE_RULES_RATE_H
#define QUEUE_RULES_RATE_H

#include "common/base/str.h"
#include "common/config/config.h"

struct rate {
	struct config_shared_rate limit; /* count 0 = no limit */
	int64_t *ends;                   /* ring of limit.count; owned */
	size_t newest, known;
	size_t out; /* begun and not ended */
};

/* Sets or changes the limit and keeps the ends that are known. False without memory: the old limit stays. */
bool rate_limit(struct rate *r, struct config_shared_rate limit);
void rate_free(struct rate *r);

/* When the next message may begin: now or earlier = at once; INT64_MAX = when a message that has begun ends. */
int64_t rate_next(const struct rate *r);

/* Appends the limit: "30/1m"; with a share what this machine may send, and of what: "10/1m (30/1m share 1/3)". */
void rate_describe(const struct rate *r, struct str *to);

/* A message begins. */
void rate_begin(struct rate *r);

/* A message ends and counts as COUNT messages; 0 when nothing was sent. */
void rate_end(struct rate *r, size_t count, int64_t now_ms);

/* How many messages count at NOW_MS: those that have begun, and those that ended within the last period. */
size_t rate_taken(const struct rate *r, int64_t now_ms);

/* No message has begun, and no end counts any longer at NOW_MS. */
bool rate_idle(const struct rate *r, int64_t now_ms);

#endif
