/*
 * The way back from the badmail folder: the message gets a new id, so that its time begins anew, and goes to cur/ with
 * its journal, so that who has it already does not get it twice. One rename decides: before it the message is bad mail,
 * after it it is on its way.
 *
 * Where the folders lie on two file systems it is copied to cur/.ID.NEWNAME, then the bad mail is removed, then the
 * copy gets its name. What a crash leaves of that, resend_finish brings to an end.
 */
#ifndef QUEUE_SPOOL_RESEND_H
#define QUEUE_SPOOL_RESEND_H

#include "queue/model/loaded.h"
#include "queue/spool/badmail.h"
#include "queue/spool/store.h"

enum { RESEND_WHY_MAX = 300 };

/* A look at the whole file: is it as our own commit writes messages, and has it 8-bit octets? In pieces. */
struct resend_look {
	int fd; /* owned; -1 = none */
	uint64_t at;
	char last;
	bool eight_bit, bare; /* a line end that is not CRLF */
};

/* Begins with B, loaded as W (NULL = it can't be loaded). False with WHY (RESEND_WHY_MAX): it can't be sent. */
bool resend_begin(const struct store *s, const struct badmail *b, const struct loaded *w, struct resend_look *look,
		  char *why);

/* Reads a piece. False: that was all, or the file can't be read. */
bool resend_read(struct resend_look *look);

/* Puts B back into cur/, where MESSAGES has it as READY, and closes the look. False with WHY: it is where it was. */
bool resend_put(const struct store *s, struct messages *messages, const struct badmail *b, struct resend_look *look,
		int64_t wall_ms, char *why);

/* Ends what a crash broke off: ENTRY of cur/ begins with a dot. */
void resend_finish(const struct store *s, const char *entry);

#endif
