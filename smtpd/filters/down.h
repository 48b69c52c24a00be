/* Whether a filter can be reached, since when not, and when to try again. Pure. */
#ifndef SMTPD_FILTERS_DOWN_H
#define SMTPD_FILTERS_DOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "smtpd/milter/dial.h"

enum { DOWN_PAUSE_MS = 1000, DOWN_PAUSE_MAX_MS = 60000 };

struct down {
	int err;          /* errno of the last try; 0 = the filter is up */
	int64_t since_ms; /* wall clock */
	int64_t pause_ms; /* before the next try */
	int64_t next_ms;  /* clock_mono_ms of the next try */
	char why[DIAL_WHY_MAX + 1];
};

/*
 * A connection has failed with ERR (positive) and WHY. The pauses before further tries are 1 s, 2 s, 4 s ... 60 s.
 * AGAIN: this was such a try; otherwise a failure changes nothing about a filter that is down.
 */
void down_fail(struct down *d, bool again, int err, const char *why, int64_t mono_ms, int64_t wall_ms);

/* A connection was made. True: the filter was down. */
bool down_end(struct down *d);

#endif
