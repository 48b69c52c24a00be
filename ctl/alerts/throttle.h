/*
 * How many messages alerts may make: at most THROTTLE_AN_HOUR in any hour. News beyond that waits until there is room,
 * and then one message sums it all up. A message that could not be sent is tried again after a minute, then less and
 * less often. Pure: it is told the time.
 */
#ifndef CTL_ALERTS_THROTTLE_H
#define CTL_ALERTS_THROTTLE_H

#include "common/base/span.h"

enum {
	THROTTLE_AN_HOUR = 10,
	THROTTLE_HOUR_MS = 3600000,
	THROTTLE_RETRY_MS = 60000,     /* after the first failure; twice as long after each further one */
	THROTTLE_RETRY_MAX_MS = 900000 /* at most */
};

enum throttle_step {
	THROTTLE_WAIT,
	THROTTLE_ONE, /* a message about the first news */
	THROTTLE_ALL  /* a message that sums up all news */
};

struct throttle {
	int64_t sent_ms[THROTTLE_AN_HOUR]; /* wall clock, oldest first: the messages of the last hour */
	size_t n;
	bool collects;     /* news had to wait: the next message sums up */
	int64_t failed_ms; /* when sending failed last; with `pause_ms` */
	int64_t pause_ms;  /* 0 = it did not */
};

/*
 * What to do at NOW (milliseconds of the wall clock) when DUE alerts have news (watch_due), and UNTOLD conditions have
 * no alert of their own any more (watch_untold).
 */
enum throttle_step throttle_step(struct throttle *t, size_t due, uint64_t untold, int64_t now);

/* The message has been sent. */
void throttle_sent(struct throttle *t, int64_t now);

/* No way took the message. */
void throttle_failed(struct throttle *t, int64_t now);

#endif
