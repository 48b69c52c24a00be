/*
 * In which order the next job tries the hosts of its next hop. Targets stand as written, but those with weights are
 * drawn by them, anew for each job (which counts when the job opens a connection), and come before those without.
 * Sick hosts (health.h) are left out as long as there are others. One that is due and would come first is tried by this
 * one job, over a new connection.
 */
#ifndef QUEUE_PLAN_HOST_ORDER_H
#define QUEUE_PLAN_HOST_ORDER_H

#include "queue/model/destination.h"
#include "queue/rules/health.h"

struct host_order {
	struct span hosts; /* as in hosts.h; in D or in the scratch */
	size_t found;      /* so many of them at the head are found by MX, not written */
	bool anew;         /* a kept connection would not do */
};

/* The order for a job of D now. SCRATCH is cleared, and may hold it. */
void host_order_take(struct destinations *all, struct destination *d, int64_t now_ms, struct str *scratch,
		     struct host_order *out);

/* The same order, but no job takes it: nothing is drawn or marked. */
void host_order_preview(const struct destinations *all, const struct destination *d, int64_t now_ms,
			struct str *scratch, struct host_order *out);

/* A worker says "ADDRESS PORT" of a host of D: true with *key filled when D has it. */
bool host_order_find(const struct destination *d, struct span peer, struct health_key *key);

#endif
