/*
 * The order in which the next job tries the hosts of its next hop. Targets come in the order of the configuration, but
 * targets with weights come first, drawn by weight for each job (this matters when the job opens a connection). Sick
 * hosts (health.h) are left out as long as there are others. A host that is due and would come first is tried by this
 * one job, over a new connection.
 */
#ifndef QUEUE_PLAN_HOST_ORDER_H
#define QUEUE_PLAN_HOST_ORDER_H

#include "queue/model/destination.h"
#include "queue/rules/health.h"

struct host_order {
	struct span hosts; /* as in hosts.h; points into D or into SCRATCH */
	size_t found;      /* how many of them, at the head, are of targets with `found` */
	bool anew;         /* the job needs a new connection */
};

/* The order for one job of D now. Marks the host that the job probes, if any. SCRATCH is overwritten. */
void host_order_take(struct destinations *all, struct destination *d, int64_t now_ms, struct str *scratch,
		     struct host_order *out);

/* The same order, only to be shown: no seed advances and no host is marked. */
void host_order_preview(const struct destinations *all, const struct destination *d, int64_t now_ms,
			struct str *scratch, struct host_order *out);

/* Fills *key for PEER, which is "ADDRESS PORT" from a worker. False when D has no such host. */
bool host_order_find(const struct destination *d, struct span peer, struct health_key *key);

#endif
