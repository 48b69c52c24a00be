/*
 * Keeps the badmail folder within its bounds: removes mail that is older than badmail_keep (deleted mail after 7 days),
 * then the oldest mail while the folder is larger than badmail_max. Works in slices and in constant memory: a first
 * walk adds up the sizes by age, a second walk removes the mail that is too old to stay.
 */
#ifndef QUEUE_SPOOL_BADMAIL_SWEEP_H
#define QUEUE_SPOOL_BADMAIL_SWEEP_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/config/config.h"

/* What stays in the folder, without what an operator deleted. */
struct badmail_found {
	bool known;
	size_t messages;
	int64_t newest_ms; /* when the newest came, wall clock; 0 = there is none */
};

/* A bucket covers a 512th of badmail_keep. Within the oldest bucket that may stay, any mail may be removed. */
enum { SWEEP_BUCKETS = 512, SWEEP_FIRST_MS = 5000, SWEEP_EVERY_MS = 10 * 60 * 1000, SWEEP_SLICE_MS = 20 };

/* A turn looks this often whether the folder has changed, and begins a walk then; a long walk makes it look less often.
 */
enum { SWEEP_LOOK_MS = 5000 };

struct badmail_sweep {
	DIR *folder; /* owned; NULL = no walk runs */
	bool trimming;
	int64_t next_ms; /* when the next slice or walk is due; 0 = not known yet */
	uint64_t buckets[SWEEP_BUCKETS];
	size_t oldest;   /* the oldest bucket that may stay, in part */
	uint64_t excess; /* octets of it to be removed */
	size_t expired, trimmed;
	struct badmail_found found, counting; /* by the last walk; by the one that runs */
	struct timespec changed;              /* mtime of the folder when the last walk began */
	int64_t began_ms, look_ms;            /* the last walk; when to look next for a change */
	/* of the present turn: */
	int badmail; /* the folder */
	const struct config_server *server;
	int64_t mono_ms, wall_ms;
};

/* Does a slice, if one is due. BADMAIL: the folder. SERVER: the settings. Errors go to the log. */
void badmail_sweep_turn(struct badmail_sweep *s, int badmail, const struct config_server *server, int64_t mono_ms,
			int64_t wall_ms);

/* When the next slice is due. */
int64_t badmail_sweep_next(const struct badmail_sweep *s);

void badmail_sweep_free(struct badmail_sweep *s);

#endif
