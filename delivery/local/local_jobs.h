/* The work of a worker of mailroot-local: copies into drop folders, and notices. */
#ifndef DELIVERY_LOCAL_LOCAL_JOBS_H
#define DELIVERY_LOCAL_LOCAL_JOBS_H

#include "delivery/pool/worker.h"

/* Runs a worker; returns its exit status. SPOOL: struct spool. */
int local_jobs_work(const struct worker *worker, const void *spool);

#endif
