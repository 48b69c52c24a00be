/*
 * What a worker of mailroot-delivery does: messages by SMTP and ETRN. A connection is kept for a while after each, for
 * more work with the same host. A job that names a block which is not in `securities` was made for another
 * configuration: the worker ends without a verdict, and the queue tries again a second later.
 */
#ifndef DELIVERY_SMTP_JOBS_H
#define DELIVERY_SMTP_JOBS_H

#include "delivery/pool/worker.h"

/* The life of a worker; returns its exit status. SECURITIES: struct securities. */
int smtp_jobs_work(const struct worker *worker, const void *securities);

#endif
