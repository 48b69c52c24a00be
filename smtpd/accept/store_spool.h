/* The store of the running service: a message file in new/ and a word to the queue (spool.h; doc/spool.md). */
#ifndef SMTPD_ACCEPT_STORE_SPOOL_H
#define SMTPD_ACCEPT_STORE_SPOOL_H

#include "common/base/str.h"
#include "common/ipc/fullness.h"
#include "common/spool/spool.h"
#include "smtpd/accept/store.h"

struct store_spool {
	const struct spool *spool;
	struct spool_file file;
	const struct fullness *fullness; /* NULL = nothing is full */
	int arrivals_fd;                 /* the link that takes `arrived`; its send deadline is LIMIT_ARRIVED_MS */
	struct str packet;
	int64_t space_seen_ms; /* time of the last check that found room */
	uint64_t space_free;
};

/* Borrows SPOOL, FULLNESS and the descriptor. One for each process, because it buffers random numbers for ids. */
void store_spool_init(struct store_spool *s, const struct spool *spool, const struct fullness *fullness,
		      int arrivals_fd);
void store_spool_free(struct store_spool *s);

/* Announces the message NAME in new/ to the queue. 0 or -errno. */
int store_spool_announce(struct store_spool *s, const char *name);

/* The operations for a session; valid as long as *s. */
struct store store_spool_ops(struct store_spool *s);

#endif
