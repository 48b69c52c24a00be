/* What a worker of mailroot-local does: copies into drop folders, and notices. */
#ifndef DELIVERY_LOCAL_LOCAL_JOBS_H
#define DELIVERY_LOCAL_LOCAL_JOBS_H

#include "delivery/pool/worker.h"

/* The life of a worker; returns its exit status. SPOOL: struct spool. */
int local_jobs_work(const struct worker *worker, const void *spool);

#endif
