/*
 * Finding what lies in the spool, in slices. A listing reads the names of cur/, then of new/, into the table of
 * messages; what is not known yet is adopted by the truth table:
 *
 *	new/ID locked             leave, look again in a second
 *	new/ID of its size        ready (with an fsync before delivery), newest first
 *	new/ID of another size    0 octets: unlink; else badmail
 *	new/ID of zeros alone     unlink, when it is read (load.c)
 *	cur/ID without journal    ready
 *	cur/ID with journal       waits until the journal's mtime
 *	journal alone             unlink
 *	new/.ID unlocked          unlink
 *
 * What a scan found is dispatched only when its lock was free and the verdicts link was drained afterwards: its former
 * worker reports before it lets go.
 */
#ifndef QUEUE_SPOOL_SCAN_H
#define QUEUE_SPOOL_SCAN_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "queue/spool/store.h"

struct destinations;
struct messages;

enum scan_step { SCAN_IDLE, SCAN_CUR, SCAN_NEW, SCAN_SETTLE, SCAN_STEP_COUNT };

struct scan {
	enum scan_step step;
	DIR *folder;                       /* the one that is read */
	int64_t next_ms;                   /* when the next listing begins */
	int64_t last_ms;                   /* when the last one ended */
	bool again;                        /* asked for while one ran */
	struct messages *messages;         /* these three are borrowed */
	struct destinations *destinations; /* of messages that turn out to be gone */
	const struct store *store;
	/* of the present call: */
	const struct config_durations *ladder;
	int64_t mono_ms, wall_ms;
};

enum { SCAN_EVERY_MS = 60 * 1000, SCAN_PAUSE_MS = 1000, SCAN_SLICE = 500, SCAN_PROBES = 64 };

void scan_init(struct scan *s, struct messages *messages, struct destinations *destinations, const struct store *store);

/* Asks for a listing soon: at once, but a second after the last one at the earliest, whoever asks how often. */
void scan_request(struct scan *s);

/*
 * Lists on, if a listing runs or is due. True: there is more to do at once. The first listing that is complete sets
 * messages->all_known. LADDER: of retries, which bounds how long a message waits.
 */
bool scan_list(struct scan *s, const struct config_durations *ladder, int64_t mono_ms, int64_t wall_ms);

/* Tries the locks of some messages that were found: those that are free are PROBED. True: there are more to try. */
bool scan_probe(struct scan *s, int64_t mono_ms);

/* The verdicts link was drained: what is PROBED is READY. */
void scan_adopt(struct scan *s);

void scan_free(struct scan *s);

#endif
