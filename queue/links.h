/*
 * The links of a queue to the parents of the pools and to the workers. What comes over them is decoded and checked
 * here; a packet that may not be on its link costs that link. No event loop: the manager says when to read.
 */
#ifndef QUEUE_LINKS_H
#define QUEUE_LINKS_H

#include "queue/attempt/queue.h"

/*
 * Takes one packet of the link to the parent of P: *added is the new worker, or NULL. False: nothing more is there, or
 * the link was closed (p->link is -1).
 */
bool links_pool(struct queue *q, struct pool *p, struct worker **added);

/* The parent of P is being replaced by one of another configuration: its workers get no more jobs. */
void links_detach(struct pool *p);

/* A new link to the parent of P, owned from now on. */
void links_attach(struct queue *q, struct pool *p, int fd);

/* Takes what W says on its job link. False: it is gone. */
bool links_worker(struct queue *q, struct worker *w);

/* Tells the parent of P when more workers could be used. */
void links_want(struct queue *q, struct pool *p);

/* Lets go of workers that had nothing to do for long. */
void links_retire(struct queue *q, struct pool *p);

#endif
