/* Messages that were deferred: they wait for their next try, and maybe for their next hop. */
#ifndef QUEUE_MODEL_WAITING_H
#define QUEUE_MODEL_WAITING_H

#include "queue/model/destination.h"

/*
 * Puts M, which is WAITING, on the list of those that come back earlier: when a host of D can be reached, or by ETRN.
 */
void waiting_begin(struct message *m, struct destination *d);

/* Takes M off that list, if it is there. Its state stays. */
void waiting_stop(struct message *m);

/* Makes M due now. False when it is not WAITING. */
bool waiting_hurry(struct messages *all, struct message *m);

/*
 * D has fewer jobs, or one of its hosts was reached: parked messages and messages that wait for D come back, as many as
 * D can use.
 */
void waiting_refill(struct messages *all, struct destination *d);

#endif
