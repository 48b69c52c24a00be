/*
 * Reads an archive of `queue export` into moved/ of a spool. All of it becomes a folder that the queue does not look
 * at; one rename, when the whole archive was read and is on disk, gives it to the queue. After any error nothing is
 * left.
 */
#ifndef CTL_IMPORT_RUN_H
#define CTL_IMPORT_RUN_H

#include "common/base/arena.h"
#include "ctl/ledger.h"
#include "ctl/spoolplace.h"
#include "ctl/unpack.h"

/* Messages of one import: for each one the import keeps MOVED_LINE octets in memory. */
enum { IMPORT_MESSAGES_MAX = 4000000 };

struct import {
	const char *file; /* for messages */
	int from;         /* the archive; borrowed */
	struct spoolplace *place;
	bool show_progress;
	/* Results, messages: */
	uint64_t imported, octets;
	uint64_t already; /* imported before */
	uint64_t here;    /* in this queue under their old id: the archive was made of this queue, without --remove */
	/* Its own: */
	struct unpack unpack;
	struct unpack_text text;
	struct ledger ledger;
	struct str envelope;
	struct arena arena;
	char name[32];   /* of the folder in moved/, while it is read */
	int folder;      /* owned */
	char *ids;       /* of the imported messages, MOVED_LINE octets each */
	size_t ids_room; /* messages */
	char fresh[MSGID_LEN + 1];
	bool skip;       /* the present message is not wanted */
	uint64_t before; /* octets read */
	int64_t told_ms;
};

/* True: the queue has the mail, or will have it when it runs. False: the reason was printed, and nothing was changed.
 */
bool import_run(struct import *import);

#endif
