/*
 * The parent of a pool (delivery or local): two links and a prefork. On the control link master says what to do; on the
 * pool link, which comes with `attach`, the queue gets one end of every worker's job link, held by nobody else. Without
 * a pool link no worker is forked: when the queue is gone its workers see the end of their job links, finish and go.
 */
#ifndef DELIVERY_POOL_POOL_H
#define DELIVERY_POOL_POOL_H

#include "common/process/child.h"
#include "delivery/pool/worker.h"

enum { POOL_LOOK_MS = 600 * 1000 };

struct pool_setup {
	struct child *child;
	enum child_link kind; /* of the pool link */
	size_t spare, max;    /* workers kept, and at most */
	uint64_t jobs;        /* after which a worker gives way */
	bool may_fork;        /* workers may fork */
	/* The parent calls it at every turn of its loop, and once in POOL_LOOK_MS; NULL = nothing to look after. */
	void (*look)(void);
	/* The life of a worker: gets ready what it needs, then worker_run. Returns the exit status. */
	int (*work)(const struct worker *worker, const void *context);
	const void *context;
};

/* Runs until master says stop or is gone, and all workers have finished. Returns the exit status. */
int pool_run(const struct pool_setup *setup);

#endif
