/*
 * The parent of a pool (delivery or local): two links and a prefork. Master gives orders on the control link. On the
 * pool link, which comes with `attach`, the queue gets one end of every worker's job link; no other process keeps it.
 * Without a pool link no worker is forked. When the queue is gone, its workers see the end of their job links, finish
 * and end.
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
	uint64_t jobs;        /* maximum for one worker */
	bool may_fork;        /* workers may fork */
	/* Called in every round of the parent's loop, at least once in POOL_LOOK_MS; NULL = nothing to do. */
	void (*look)(void);
	/*
	 * Takes `recipients`; and `reload`, when the new configuration, which SERVER is part of, is in force. True:
	 * workers that were forked before are to end. NULL = the program needs no such lists.
	 */
	bool (*hear)(void *lists, const struct config_server *server, const struct ipc_packet *packet);
	void *lists;
	/* Runs a worker: prepares what it needs, then calls worker_run. Returns the exit status. */
	int (*work)(const struct worker *worker, const void *context);
	const void *context;
};

/* Runs until master says stop or is gone, and all workers have finished. Returns the exit status. */
int pool_run(const struct pool_setup *setup);

#endif
