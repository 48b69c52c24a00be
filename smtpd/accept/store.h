/*
 * Where a session stores accepted messages. The real store is store_spool.h; tests and fuzzers have one in memory. One
 * message at a time. Functions return 0 or -errno.
 */
#ifndef SMTPD_ACCEPT_STORE_H
#define SMTPD_ACCEPT_STORE_H

#include "common/base/span.h"
#include "common/ipc/fullness.h"
#include "common/mail/msgid.h"

struct store {
	void *context;
	/* Whether there is room for SIZE octets above FLOOR: 0, -ENOSPC, or -EROFS when the spool can't be written. */
	int (*space)(void *context, int64_t floor, uint64_t size);
	/* How much the drop folder of DOMAIN can take; FULLNESS_UNBOUND for a domain that is not local. */
	struct fullness_room (*room)(void *context, struct span domain);
	/* Begins a message and returns its id. */
	int (*begin)(void *context, char id[MSGID_LEN + 1]);
	int (*write)(void *context, struct span text);
	/* Reads what was written of the message, envelope lines included: at most SIZE octets from offset AT. *got is 0
	 * only at the end. */
	int (*read)(void *context, uint64_t at, char *to, size_t size, size_t *got);
	/* Begins a second text of the message: `write` writes it, while `read` still reads the first. After an error
	 * nothing is left of the message. */
	int (*replace_begin)(void *context);
	/* Take: the second text becomes the message. Otherwise it is dropped, and the message is as before. Then
	 * another replacement may begin. After an error nothing is left of the message. */
	int (*replace_end)(void *context, bool take);
	/* Makes the message durable and announces it to the queue, which owns it from now on. After an error nothing is
	 * left of it. */
	int (*commit)(void *context);
	/* Before commit: removes the message. Harmless when none is open. */
	void (*abort)(void *context);
	int64_t (*wall_ms)(void *context);
};

#endif
