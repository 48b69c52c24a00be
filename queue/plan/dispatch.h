/*
 * Who goes next: which job to which worker. Pure. Open destinations take turns, one job each; of a destination the
 * oldest job goes first, to
 *
 *	1. an idle worker whose connection leads there,
 *	2. while the destination may have more connections: a worker without a connection, or else the one that was
 *	   connected elsewhere and idle for longest,
 *	3. a worker that is busy with one job over a connection that leads there.
 */
#ifndef QUEUE_PLAN_DISPATCH_H
#define QUEUE_PLAN_DISPATCH_H

#include "queue/model/pool.h"

/* The next job and its worker, not assigned yet; false when nothing can be given out now. Sets p->unserved. */
bool dispatch_next(struct pool *p, int64_t now_ms, struct job **job, struct worker **worker);

#endif
