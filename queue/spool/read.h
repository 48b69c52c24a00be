/* Messages read from the spool, or from the badmail folder, into their loaded form (loaded.h). */
#ifndef QUEUE_SPOOL_READ_H
#define QUEUE_SPOOL_READ_H

#include "common/base/arena.h"
#include "queue/model/loaded.h"
#include "queue/spool/store.h"

/*
 * M, whose file is FD, loaded as its envelope says; its journal is not read yet. ARENA and TEXT are scratch. NULL with
 * *err = -errno; for -EBADMSG *why says what is wrong with the file. FD stays the caller's.
 */
struct loaded *read_envelope(int fd, struct message *m, struct arena *arena, struct str *text, int *err,
			     const char **why);

/* Replays in W what M's journal says, and what it should say but the disk refused. 0 or -errno as of
 * store_journal_read. */
int read_journal(const struct store *s, const struct message *m, struct loaded *w);

#endif
