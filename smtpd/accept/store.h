/*
 * Where accepted messages go, as a session sees it. The real one is store_spool.h; tests and fuzzers have one in
 * memory. One message at a time. Functions return 0 or -errno.
 */
#ifndef SMTPD_ACCEPT_STORE_H
#define SMTPD_ACCEPT_STORE_H

#include "common/base/span.h"
#include "common/ipc/fullness.h"
#include "common/mail/msgid.h"

struct store {
	void *context;
	/* Is there room for SIZE octets above FLOOR? 0, -ENOSPC, or -EROFS: nothing can be written. */
	int (*space)(void *context, int64_t floor, uint64_t size);
	/* How much the drop folder of DOMAIN, one of ours, can take. Of any other: FULLNESS_UNBOUND. */
	struct fullness_room (*room)(void *context, struct span domain);
	/* Begins a message and tells its id. */
	int (*begin)(void *context, char id[MSGID_LEN + 1]);
	int (*write)(void *context, struct span text);
	/* Durable, and the queue told: from here on the message is not ours. After an error nothing is left of it. */
	int (*commit)(void *context);
	/* Before commit: nothing is left of it. Harmless when none is open. */
	void (*abort)(void *context);
	int64_t (*wall_ms)(void *context);
};

#endif
