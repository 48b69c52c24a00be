/*
 * Which job goes to which worker next. Pure. Open destinations take turns, one job each. The oldest job of a
 * destination goes first, to
 *
 *	1. an idle worker with a connection there,
 *	2. if the destination may have more connections: a worker without a connection, else the worker with a
 *	   connection elsewhere that has been idle for longest,
 *	3. a worker with one job and a connection there.
 *
 */
#ifndef QUEUE_PLAN_DISPATCH_H
#define QUEUE_PLAN_DISPATCH_H

#include "queue/model/pool.h"

/*
 * Chooses the next *job of pool P and its *worker; the caller assigns it. False when no job can go out now; then
 * p->unserved is set.
 */
bool dispatch_next(struct pool *p, int64_t now_ms, struct job **job, struct worker **worker);

#endif
