/*
 * The spool that `queue export` reads or `queue import` writes to: of a virtual server of the configuration, or a
 * folder such as that of another machine's disk. What root does in it, it does as the owner of the spool, whose files
 * are not trusted with more.
 */
#ifndef CTL_SPOOLPLACE_H
#define CTL_SPOOLPLACE_H

#include <sys/types.h>

#include "common/mail/msgid.h"
#include "ctl/cmd.h"

enum { SPOOLPLACE_FOLDERS = 66 }; /* new/, cur/, and what the queue has not taken out of moved/ yet */
enum { SPOOLPLACE_NEW, SPOOLPLACE_CUR };

struct spoolplace {
	char *path;
	char *server;         /* its name, "" for a folder */
	uint64_t message_max; /* octets of the largest message that the server accepts; UINT64_MAX = any, or a folder */
	uint64_t floor;       /* free_space_floor */
	int dir;              /* owned, as the next ones */
	int folders[SPOOLPLACE_FOLDERS]; /* with messages: new/, cur/, ... */
	size_t folder_count;
	int moved; /* moved/; -1 = there is none */
	int lock;  /* the file `lock`, locked: no queue runs; -1 = there is none, or a queue has it */
	int queue; /* a link to the queue that runs; -1 = none does */
	uid_t uid; /* of the owner */
	gid_t gid;
};

/*
 * Opens FOLDER, or that of --server, or of the only server of the configuration; links and locks are not taken yet.
 * False: the reason was printed, and *STATUS is the exit status. Close *out in either case.
 */
bool spoolplace_open(struct ctl *ctl, const char *folder, struct spoolplace *out, int *status);
void spoolplace_close(struct spoolplace *place);

/* For an export: takes `lock`, or else connects to the queue that has it; opens what waits in moved/. As above. */
bool spoolplace_claim(struct ctl *ctl, struct spoolplace *place, int *status);

/* Root becomes the owner of the spool, for this process; and itself again. False: the reason was printed. */
bool spoolplace_become_owner(const struct spoolplace *place);
bool spoolplace_become_root(void);

/* Root becomes the owner for good. False: the reason was printed. */
bool spoolplace_stay_owner(const struct spoolplace *place);

/* Opens moved/, and makes it if it is missing. False: the reason was printed. */
bool spoolplace_make_moved(struct spoolplace *place);

/*
 * Asks the queue for message ID, whose lock the caller holds, or which it has removed (ROW_YIELD): YIELD_DONE: the
 * queue leaves it alone until the lock is free, and has forgotten it if it is gone; also when no queue runs.
 * YIELD_BUSY: the queue works on it, or does not know it yet. YIELD_FAILED: the queue does not answer; the reason was
 * printed.
 */
enum yield { YIELD_DONE, YIELD_BUSY, YIELD_FAILED };
enum yield spoolplace_yield(const struct spoolplace *place, const char *id);

#endif
