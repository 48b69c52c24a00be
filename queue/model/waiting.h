/* The ways back of messages that were deferred: they wait for their time, for their next hop, or both. */
#ifndef QUEUE_MODEL_WAITING_H
#define QUEUE_MODEL_WAITING_H

#include "queue/model/destination.h"

/* M waits for D until one of its hosts can be reached, or calls for it, besides its time. */
void waiting_begin(struct message *m, struct destination *d);

/* M no longer waits for its next hop (whatever it does now). */
void waiting_stop(struct message *m);

/* Makes M due now if it waits. True if it did. */
bool waiting_hurry(struct messages *all, struct message *m);

/* D has fewer jobs, or a host of it was reached: parked messages and messages that wait for D come back, as many as it
 * can use. */
void waiting_refill(struct messages *all, struct destination *d);

#endif
