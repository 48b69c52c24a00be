/*
 * Whether the spool can be written. When a change fails, the cause may be one file or the whole file system; a test
 * with a file of its own tells. While the spool can't be written, the queue delivers nothing, because it could not
 * record it, and smtpd accepts no mail. A test each second finds out when that ends. When the disk is only full,
 * deliveries that need no space go on.
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
	struct fullness *fullness; /* borrowed; tells smtpd to accept no mail; NULL = no smtpd */
	int error;                 /* -errno of the last test; 0 = the spool can be written */
	int64_t looked_ms;         /* when the last test was */
};

/* STORE and FULLNESS are borrowed. */
void writable_init(struct writable *w, const struct store *store, struct fullness *fullness);

/*
 * A change in the spool failed with ERR. True when the whole spool is affected, which is in the log then. False when
 * the cause lies with that one message.
 */
bool writable_blame(struct writable *w, int err, int64_t now_ms);

/* Tests now, and logs a change. */
void writable_look(struct writable *w, int64_t now_ms);

/* Call it each second: tests again while the spool can't be written. */
void writable_tend(struct writable *w, int64_t now_ms);

/* True when no delivery may begin. */
bool writable_stops(const struct writable *w);

/* Writes to TO (SIZE octets) what is wrong, for an administrator; "" when nothing is. */
void writable_describe(const struct writable *w, char *to, size_t size);

#endif
