/*
 * The parent of a pool (delivery or local): two links and a prefork. On the control link master says what to do; on the
 * pool link, which comes with `attach`, the queue gets one end of every worker's job link, held by nobody else. Without
 * a pool link no worker is forked: when the queue is gone its workers see the end of their job links, finish and go.
 */
#ifndef DELIVERY_POOL_H
#define DELIVERY_POOL_H

#include "common/process/child.h"
#include "common/spool/spool.h"
#include "common/tls/attention.h"
#include "delivery/auth/security.h"

struct pool_setup {
	struct child *child;
	const struct spool *spool;           /* for the local role, else NULL */
	const struct securities *securities; /* for the delivery role, else NULL */
	struct attention *attention;         /* for the delivery role, else NULL */
	enum child_link kind;                /* of the pool link */
	size_t spare, max;                   /* workers kept, and at most */
	uint64_t jobs;                       /* after which a worker gives way */
};

/* Runs until master says stop or is gone, and all workers have finished. Returns the exit status. */
int pool_run(const struct pool_setup *setup);

#endif
