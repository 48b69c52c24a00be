/*
 * A worker of the delivery or the local pool: takes jobs from its job link one after the other and blocks in each. It
 * ends when the queue closes the job link, when it has done its maximum of jobs, or when it is told to (SIGTERM,
 * SIGUSR1): then it closes the link for new jobs, and finishes those that were sent already.
 *
 * The program defines what a job is: worker_ops.
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
	uint32_t number; /* its number in the queue */
	int job_link;
	uint64_t jobs; /* its maximum of jobs */
};

struct worker_ops {
	enum wire_link link; /* the link for which job_link's packets are checked */
	/* Does the job in PACKET, which is closed afterwards. False: this process can't continue. */
	bool (*work)(void *context, struct ipc_packet *packet);
	/* Returns when job_link is readable, or sooner; NULL = nothing to do meanwhile. */
	void (*wait)(void *context);
};

/* Works until the end of the job link; returns the exit status. */
int worker_run(const struct worker *worker, const struct worker_ops *ops, void *context);

/* Sets the worker's activity, for the scoreboard. */
void worker_busy(const struct worker *worker, struct span doing);

/* Tells the queue that the worker has no connection any more. */
void worker_say_idle(const struct worker *worker);

/* Logs a packet that is no job of this program. Returns false, for `work` to return. */
bool worker_no_job(void);

#endif
