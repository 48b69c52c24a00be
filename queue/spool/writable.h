/*
 * Whether the spool can be written. A change there that fails may be about one file, or about all of it: an attempt at
 * another file tells. While nothing can be written nothing is delivered, for it could not be noted, and smtpd takes no
 * mail; a look a second finds out when that is over. A spool that is merely full goes on with what needs no room.
 */
#ifndef QUEUE_SPOOL_WRITABLE_H
#define QUEUE_SPOOL_WRITABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/fullness.h"
#include "queue/spool/store.h"

struct writable {
	const struct store *store;
	struct fullness
		*fullness; /* borrowed: where smtpd reads that nothing can be accepted; NULL = nobody reads it */
	int error;         /* -errno of the last look, 0 = the spool can be written */
	int64_t looked_ms; /* when that was */
};

/* STORE and FULLNESS are borrowed. */
void writable_init(struct writable *w, const struct store *store, struct fullness *fullness);

/* A change in the spool failed with ERR. True: so does any other, as the log says already; false: it is about that one
 * message. */
bool writable_blame(struct writable *w, int err, int64_t now_ms);

/* Looks now. */
void writable_look(struct writable *w, int64_t now_ms);

/* Each second: is it over? */
void writable_tend(struct writable *w, int64_t now_ms);

/* Nothing may be begun. */
bool writable_stops(const struct writable *w);

/* What is wrong, in words for an administrator, into TO; "" when nothing is. */
void writable_describe(const struct writable *w, char *to, size_t size);

#endif
