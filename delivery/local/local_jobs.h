/* The work of a worker of mailroot-local: copies into drop folders, and notices. */
#ifndef DELIVERY_LOCAL_LOCAL_JOBS_H
#define DELIVERY_LOCAL_LOCAL_JOBS_H

#include "common/recipients/known.h"
#include "common/spool/spool.h"
#include "delivery/pool/worker.h"

/* What the parent gives its workers. */
struct local_common {
	struct spool spool;
	struct known known;
};

/* The parent takes the lists of recipients (pool.h). LISTS: struct known. */
bool local_jobs_hear(void *lists, const struct config_server *server, const struct ipc_packet *packet);

/* Runs a worker; returns its exit status. CONTEXT: struct local_common. */
int local_jobs_work(const struct worker *worker, const void *context);

#endif
