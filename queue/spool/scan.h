/*
 * Finds the messages in the spool, in slices. A listing takes mail out of moved/ (take_in.h). It reads the names of
 * cur/, then of new/, into the table of messages. A message that is not known yet is handled by this table:
 *
 *	new/ID locked             leave, try again soon
 *	new/ID of its size        ready (with an fsync before delivery), newest first
 *	new/ID of another size    0 octets: unlink; else badmail
 *	new/ID of zeros only      unlink, when it is read (load.c)
 *	cur/ID without journal    ready
 *	cur/ID with journal       waits until the journal's mtime
 *	journal alone             unlink
 *	new/.ID unlocked          unlink
 *
 * A worker of the queue before a restart may still have a message. It reports first and unlocks then. So a message that
 * a scan found is delivered only after its lock was free and the verdicts link was drained.
 */
#ifndef QUEUE_SPOOL_SCAN_H
#define QUEUE_SPOOL_SCAN_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "queue/spool/store.h"
#include "queue/spool/take_in.h"

struct destinations;
struct messages;

enum scan_step { SCAN_IDLE, SCAN_MOVED, SCAN_CUR, SCAN_NEW, SCAN_SETTLE, SCAN_STEP_COUNT };

struct scan {
	enum scan_step step;
	DIR *folder;     /* the folder that is being read, or NULL */
	int64_t next_ms; /* when the next listing begins */
	int64_t last_ms; /* when the last one ended */
	bool again;      /* requested while a listing ran */
	struct take_in moved;
	struct messages *messages;         /* borrowed, as the next two */
	struct destinations *destinations; /* for forget_message */
	const struct store *store;
	/* arguments of the present call: */
	const struct config_durations *ladder;
	int64_t mono_ms, wall_ms;
};

enum { SCAN_EVERY_MS = 60 * 1000, SCAN_PAUSE_MS = 1000, SCAN_SLICE = 500, SCAN_PROBES = 64 };

void scan_init(struct scan *s, struct messages *messages, struct destinations *destinations, const struct store *store);

/* Requests a listing: it begins at once, but SCAN_PAUSE_MS after the last one at the earliest. */
void scan_request(struct scan *s);

/*
 * Does a slice of a listing, if one runs or is due. True when there is more to do at once. The first listing sets
 * messages->all_known when it has read all names. LADDER: the retry ladder, which bounds how long a message waits.
 */
bool scan_list(struct scan *s, const struct config_durations *ladder, int64_t mono_ms, int64_t wall_ms);

/* Tries the locks of some FOUND messages; those with a free lock become PROBED. True when there are more to try. */
bool scan_probe(struct scan *s, int64_t mono_ms);

/* The verdicts link was drained: PROBED messages become READY. */
void scan_adopt(struct scan *s);

void scan_free(struct scan *s);

#endif
