/*
 * mailroot-pickup, the reader of the pickup folder and of maildrop/: one process for each virtual server, one
 * file at a time. It runs under the user of the queue, who owns these folders and may therefore remove what others put
 * there, and sees nothing of the file system but them, badmail and new/.
 */
#ifndef SMTPD_PICKUP_PICKUP_H
#define SMTPD_PICKUP_PICKUP_H

#include "common/process/child.h"
#include "smtpd/pickup/pickup_trouble.h"

enum {
	PICKUP_TURN = 100,           /* files between two looks at what master has to say */
	PICKUP_IDLE_MS = 30 * 1000,  /* a look at a folder from which nothing was heard */
	PICKUP_REMOTE_MS = 2 * 1000, /* the same where nothing can be heard */
	PICKUP_AGAIN_MS = 500,       /* a look at files that are waited for: first, then less and less often */
	PICKUP_AGAIN_MAX_MS = 5 * 1000,
	PICKUP_TROUBLE_TEXT = 2000,
	PICKUP_STAGED_MAX = 1000, /* messages that readers before us left between two steps; each could leave one */
};

/* A message that lacks nothing but its name in new/. */
struct pickup_staged {
	char name[MSGNAME_MAX + 1]; /* that it has now, see spool_publish */
	bool alone;                 /* the file that it was made of is gone */
};

enum pickup_place_kind { PICKUP_FOLDER, PICKUP_MAILDROP, PICKUP_PLACES };

/* A folder that is read. */
struct pickup_place {
	bool off;
	struct pickup_folder folder;
	struct pickup_file file;
	struct pickup_trouble trouble;
	int64_t next_ms; /* the next round, monotonic */
	int64_t again_ms;
	unsigned waiting, sent; /* of this round */
	bool seen;              /* a round is complete */
};

struct pickup {
	struct child *child;
	int new_fd, badmail_fd;
	struct spool spool;
	struct store_spool store;
	struct pickup_place places[PICKUP_PLACES];
	struct pickup_staged *staged; /* found at the start, until every place was seen; those that got no name since */
	size_t staged_count;
	bool unnamed; /* one of them is alone and can't be named: nothing new is sent before it */
	struct str trouble, said;
	bool stop;
};

/* The three steps before the loop: descriptors as root, the jail, `ready`. */
void pickup_init(struct pickup *p, struct child *child);
void pickup_jail(struct pickup *p);
void pickup_ready(struct pickup *p);

/* Until master says stop or is gone, or a folder was replaced by another one. Returns the exit status. */
int pickup_loop(struct pickup *p);

#endif
