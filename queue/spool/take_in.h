/*
 * Takes mail out of the folders of moved/ (common/spool/moved.h) into cur/, in slices, before a listing of cur/: the
 * listing finds it there. Each step is one link or rename, and what a crash leaves is taken up by the next run:
 *
 *	moved/F/ID.log, moved/F/NAME                 nothing has happened
 *	... and cur/ID.log, the same file            a scan may remove it; then it is made again
 *	moved/F/ID.log, cur/ID.log, cur/NAME         the message is in the queue; the first name is removed
 */
#ifndef QUEUE_SPOOL_TAKE_IN_H
#define QUEUE_SPOOL_TAKE_IN_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/spool/moved.h"
#include "queue/spool/store.h"

struct take_in {
	DIR *all, *folder;             /* moved/ and the folder of it that is being read; NULL = none */
	char name[MOVED_NAME_MAX + 1]; /* of that folder */
	size_t taken;                  /* messages of that folder */
	bool trouble;                  /* of that folder; the log has the reason */
};

/* Does a slice of a run over moved/. True when there is more to do at once; false ends the run. */
bool take_in(struct take_in *t, const struct store *s, int64_t wall_ms);

void take_in_free(struct take_in *t);

#endif
