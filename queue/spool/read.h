/* Reads messages of the spool or of the badmail folder into their loaded form (loaded.h). */
#ifndef QUEUE_SPOOL_READ_H
#define QUEUE_SPOOL_READ_H

#include "common/base/arena.h"
#include "queue/model/loaded.h"
#include "queue/spool/store.h"

/*
 * The loaded form of M from the envelope in its file FD, without its journal. The caller frees it (loaded_free) and
 * keeps FD. ARENA and TEXT are scratch. NULL with *ERR = -errno; for -EBADMSG *WHY says what is wrong with the file.
 */
struct loaded *read_envelope(int fd, struct message *m, struct arena *arena, struct str *text, int *err,
			     const char **why);

/* Applies to W the journal of M, and the lines that could not be written to it. 0 or -errno, as store_journal_read. */
int read_journal(const struct store *s, const struct message *m, struct loaded *w);

#endif
