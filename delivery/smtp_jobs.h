/*
 * The work of a worker of mailroot-delivery: messages by SMTP, and ETRN. It keeps a connection for a while after each
 * job, for more work with the same host. If a job names a block that is not in `securities`, it is for another
 * configuration: the worker ends without a verdict, and the queue tries again a second later.
 */
#ifndef DELIVERY_SMTP_JOBS_H
#define DELIVERY_SMTP_JOBS_H

#include "delivery/pool/worker.h"

struct securities;
struct signer;

/* What the parent has read before the jail. */
struct smtp_jobs_context {
	const struct securities *securities;
	struct signer *signer;
};

/* Runs a worker; returns its exit status. CONTEXT: struct smtp_jobs_context. */
int smtp_jobs_work(const struct worker *worker, const void *context);

#endif
