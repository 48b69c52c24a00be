/*
 * How fast a pool of processes grows and shrinks. Pure: times are arguments (clock_mono_ms).
 *
 *	shortage       as many as are missing, or 1, 2, 4 ... 32 while shortages follow one another within a second and
 *	               no process died
 *	early deaths   5 in a row: one fork a second, until no process has died early for 2 seconds
 *	surplus        for longer than surplus_ms without a break: one process a second may end
 */
#ifndef COMMON_PROCESS_PACE_H
#define COMMON_PROCESS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_BATCH_MAX = 32, PACE_EARLY_MS = 1000, PACE_EARLY_ROW = 5 };

struct pace {
	int64_t surplus_ms;
	size_t batch;
	int64_t shortage_at; /* the last one */
	unsigned early_row;
	int64_t early_at;      /* the last one */
	int64_t fork_after;    /* none before */
	int64_t surplus_since; /* while `surplus` */
	int64_t retire_after;
	bool surplus;
};

/* How many to fork now, of MISSING ones, at most ROOM. */
size_t pace_forks(struct pace *p, size_t missing, size_t room, int64_t now);

/* A fork failed: no forks for a second. */
void pace_fork_failed(struct pace *p, int64_t now);

/* A process ended after LIVED ms. FAILED: unasked, and not with exit status 0. True when this begins the throttle. */
bool pace_death(struct pace *p, bool failed, int64_t lived, int64_t now);

/* Whether one process should end now. Call it at least once a second while there is a SURPLUS. */
bool pace_retire(struct pace *p, bool surplus, int64_t now);

/* Milliseconds until forks are allowed again, 0 = now. */
int64_t pace_delay(const struct pace *p, int64_t now);

#endif
