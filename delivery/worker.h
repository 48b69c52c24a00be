/*
 * A worker of the delivery or the local pool: takes jobs from its job link one after the other, blocks in each, reports
 * on the verdicts link. It ends when the queue closes the job link, and of its own when it has served long enough or is
 * told to (SIGTERM, SIGUSR1): then it closes the link for new jobs, does those that were sent already, and goes. A job
 * that names a block which is not in `securities` was made for another configuration: the worker ends without a
 * verdict, and the queue tries again a second later.
 */
#ifndef DELIVERY_WORKER_H
#define DELIVERY_WORKER_H

#include "common/process/child.h"
#include "common/process/prefork.h"
#include "delivery/auth/security.h"

struct worker_setup {
	const struct child *child;
	const struct spool *spool;           /* of the local role */
	const struct securities *securities; /* of the delivery role */
	struct prefork *prefork;
	size_t slot;
	uint32_t number; /* under which the queue knows it */
	int job_link;
	uint64_t jobs; /* after so many it gives way */
};

/* The life of a worker; returns its exit status. */
int worker_run(const struct worker_setup *setup);

#endif
