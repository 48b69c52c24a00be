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
	int64_t space_seen_ms; /* when space_free was true */
	uint64_t space_free;
};

/* SPOOL and FULLNESS are borrowed, the descriptor too. One a process: ids are drawn from what it buffers. */
void store_spool_init(struct store_spool *s, const struct spool *spool, const struct fullness *fullness,
		      int arrivals_fd);
void store_spool_free(struct store_spool *s);

/* Tells the queue of the message NAME in new/. 0 or -errno. */
int store_spool_announce(struct store_spool *s, const char *name);

/* As session.h wants it; valid as long as *s. */
struct store store_spool_ops(struct store_spool *s);

#endif
