/*
 * The mail that `queue export --remove` takes out of the queue. Each message goes from cur/ or new/ to moved/out-N
 * before it is copied; N is the number of the archive. When all copies are on disk, moved/sent-N in place of
 * moved/out-N says that the archive has the mail and the queue has not: this one rename decides. A crash before it: the
 * queue takes the mail back. A crash after it: the same command finishes the rest (common/spool/moved.h).
 */
#ifndef CTL_LEAVING_H
#define CTL_LEAVING_H

#include "common/mail/msgid.h"
#include "ctl/spoolplace.h"

struct leaving {
	const struct spoolplace *place;
	const char *number; /* of the archive; borrowed */
	int folder;         /* moved/out-N, locked; owned; -1 = nothing is removed */
};

/* Makes moved/out-N. False: the reason was printed. */
bool leaving_begin(struct spoolplace *place, const char *number, struct leaving *out);

/* Takes the message NAME and its journal out of the folder FROM, whose journals are in LOGS. 0 or -errno. */
int leaving_take(const struct leaving *leaving, int from, int logs, const struct msgname *name);

/* Decides: the archive has the mail. 0 or -errno. */
int leaving_commit(const struct leaving *leaving);

/* Removes the mail of moved/sent-N. False: there is no such folder, or an export is at work on it. */
bool leaving_remove(const struct spoolplace *place, const char *number);

/* Gives the mail back to the queue, and closes. */
void leaving_give_back(struct leaving *leaving);

void leaving_close(struct leaving *leaving);

/* Prints a note for each moved/sent-N that an export which was ended has left. */
void leaving_note_rest(const struct spoolplace *place);

#endif
