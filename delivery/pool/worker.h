/*
 * A worker of the delivery or the local pool: takes jobs from its job link one after the other and blocks in each. It
 * ends when the queue closes the job link, and of its own when it has served long enough or is told to (SIGTERM,
 * SIGUSR1): then it closes the link for new jobs, does those that were sent already, and goes.
 *
 * What a job is, the program knows: worker_ops.
 */
#ifndef DELIVERY_POOL_WORKER_H
#define DELIVERY_POOL_WORKER_H

#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "common/process/prefork.h"

struct worker {
	const struct child *child;
	struct prefork *prefork;
	size_t slot;
	uint32_t number; /* under which the queue knows it */
	int job_link;
	uint64_t jobs; /* after so many it gives way */
};

struct worker_ops {
	enum wire_link link; /* what job_link carries */
	/* Does the job in PACKET, which is closed afterwards; false: this process can't go on. */
	bool (*work)(void *context, struct ipc_packet *packet);
	/* Returns when job_link may be read, or sooner; NULL = nothing is to be done meanwhile. */
	void (*wait)(void *context);
};

/* Works until the end of the job link; returns the exit status. */
int worker_run(const struct worker *worker, const struct worker_ops *ops, void *context);

/* What the worker does, for the scoreboard. */
void worker_busy(const struct worker *worker, struct span doing);

/* Tells the queue that the worker has no connection any more. */
void worker_say_idle(const struct worker *worker);

/* A packet is no job of this program: logs it. Returns false, for `work` to return. */
bool worker_no_job(void);

#endif
