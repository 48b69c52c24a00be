/*
 * Moves a message from the badmail folder back into the queue. The message gets a new id, so its age begins anew. It
 * goes to cur/ with its journal, so no recipient gets it twice. One rename decides: before it the message is in
 * badmail, after it the message is in the queue.
 *
 * When the folders are on two file systems, the message is copied to cur/.ID.NEWNAME, then it is removed from badmail,
 * then the copy is renamed. resend_finish completes what a crash interrupts.
 */
#ifndef QUEUE_SPOOL_RESEND_H
#define QUEUE_SPOOL_RESEND_H

#include "queue/model/loaded.h"
#include "queue/spool/badmail.h"
#include "queue/spool/store.h"

enum { RESEND_WHY_MAX = 300 };

/* A check of the whole file, in pieces: do all lines end in CRLF, and are there 8-bit octets? */
struct resend_look {
	int fd; /* owned; -1 = none */
	uint64_t at;
	char last;
	bool eight_bit, bare; /* a line end that is not CRLF */
};

/*
 * Begins the check of message B, loaded as W (NULL = it can't be loaded). False when it can't be sent; WHY, which holds
 * RESEND_WHY_MAX, says why.
 */
bool resend_begin(const struct store *s, const struct badmail *b, const struct loaded *w, struct resend_look *look,
		  char *why);

/* Checks one more piece. False at the end of the file, or when it can't be read. */
bool resend_read(struct resend_look *look);

/*
 * Moves B to cur/, adds it to MESSAGES as READY, and closes LOOK. False when that failed; B is in badmail as before,
 * and WHY (RESEND_WHY_MAX) says why.
 */
bool resend_put(const struct store *s, struct messages *messages, const struct badmail *b, struct resend_look *look,
		int64_t wall_ms, char *why);

/* Completes the resend that a crash interrupted. ENTRY: a name in cur/ that begins with a dot. */
void resend_finish(const struct store *s, const char *entry);

#endif
