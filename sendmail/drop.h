/*
 * The door: a message file in maildrop/ of the virtual server that takes local mail (doc/pickup.md). Nothing of a
 * message is left behind unless drop_commit succeeds, whatever ends the process.
 */
#ifndef SENDMAIL_DROP_H
#define SENDMAIL_DROP_H

#include "common/spool/spool.h"
#include "sendmail/failure.h"
#include "sendmail/place.h"

struct drop {
	const struct place *place;
	int folder_fd; /* -1 = not open */
	struct spool spool;
	struct spool_file file;
	bool open;
};

/* Opens the folder and finds out how it can be written; leaves no file. */
bool drop_init(struct drop *drop, const struct place *place, struct failure *failure);
void drop_free(struct drop *drop);

/* Call first: sets the signal handlers. A signal ends the process and removes the message. */
void drop_arm(void);

bool drop_begin(struct drop *drop, struct failure *failure);
bool drop_write(struct drop *drop, struct span text, struct failure *failure);

/* Makes the message durable under its name. drop->file holds its ID. */
bool drop_commit(struct drop *drop, struct failure *failure);
void drop_abort(struct drop *drop);

#endif
