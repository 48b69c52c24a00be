/*
 * Keeps the badmail folder within its bounds: what is older than badmail_keep goes (deleted mail after 7 days), then,
 * while it is larger than badmail_max, the oldest. In slices, and in constant memory whatever lies there: a first walk
 * sums the sizes up by age, a second one takes away what is too old to stay.
 */
#ifndef QUEUE_SPOOL_BADMAIL_SWEEP_H
#define QUEUE_SPOOL_BADMAIL_SWEEP_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"

/* A bucket a 512th of badmail_keep: within the last one that may stay it is chance what goes. */
enum { SWEEP_BUCKETS = 512, SWEEP_FIRST_MS = 5000, SWEEP_EVERY_MS = 10 * 60 * 1000, SWEEP_SLICE_MS = 20 };

struct badmail_sweep {
	DIR *folder; /* owned; NULL = no walk */
	bool trimming;
	int64_t next_ms; /* when the next slice, or walk, is due; 0 = not known yet */
	uint64_t buckets[SWEEP_BUCKETS];
	size_t oldest;   /* the bucket of which some may stay */
	uint64_t excess; /* octets of it that must go */
	size_t expired, trimmed;
	/* of the present turn: */
	int badmail; /* the folder */
	const struct config_server *server;
	int64_t mono_ms, wall_ms;
};

/* A slice, if one is due. BADMAIL: the folder; SERVER has its bounds. */
void badmail_sweep_turn(struct badmail_sweep *s, int badmail, const struct config_server *server, int64_t mono_ms,
			int64_t wall_ms);

/* When it is. */
int64_t badmail_sweep_next(const struct badmail_sweep *s);

void badmail_sweep_free(struct badmail_sweep *s);

#endif
