/* Recipients whose mail waits until its host asks for it with ETRN or ATRN (etrn_hold.h). */
#ifndef QUEUE_ATTEMPT_ETRN_WAIT_H
#define QUEUE_ATTEMPT_ETRN_WAIT_H

#include "queue/attempt/queue.h"

/* Recipient AT of M, which goes to D, has to wait and is noted so, or has expired. False: it may go. */
bool etrn_wait_holds(struct queue *q, struct message *m, const struct destination *d, size_t at);

/*
 * M has been tried and is to wait: the next hop whose list it belongs to, when some of its recipients wait for ETRN;
 * else NULL. *LEFT_MS: how long until the first of them expires, when all wait for ETRN; else 0.
 */
struct destination *etrn_wait_for(struct queue *q, const struct message *m, int64_t *left_ms);

#endif
