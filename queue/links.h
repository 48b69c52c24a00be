/*
 * The links of a queue to the parents of the pools and to the workers. Packets are decoded and checked here; after an
 * invalid packet the link is closed. No event loop: the manager calls these functions when there is something to read.
 */
#ifndef QUEUE_LINKS_H
#define QUEUE_LINKS_H

#include "queue/attempt/queue.h"

/*
 * Takes one packet from the parent of P. *ADDED is the new worker, which P owns, or NULL without memory. False when
 * there is no packet, or the link was closed (p->link is -1).
 */
bool links_pool(struct queue *q, struct pool *p, struct worker **added);

/*
 * Closes the link to the parent of P, which is replaced after a change of configuration. Its workers get no more jobs.
 */
void links_detach(struct pool *p);

/* FD is a new link to the parent of P, owned from now on. */
void links_attach(struct queue *q, struct pool *p, int fd);

/*
 * Mail of BLOCK has credentials again, or others: one message tries each next hop that is down and authenticates as
 * BLOCK, and calls the others. A refusal that is still on its way here does not count.
 */
void links_credentials(struct queue *q, struct span block);

/* Takes the packets of W on its job link. False when the link has ended; W is freed then. */
bool links_worker(struct queue *q, struct worker *w);

/* Tells the parent of P when P needs more workers. */
void links_want(struct queue *q, struct pool *p);

/* Removes the surplus workers of P (pool_surplus). */
void links_retire(struct queue *q, struct pool *p);

#endif
