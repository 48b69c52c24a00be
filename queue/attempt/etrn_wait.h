/* Recipients whose mail waits until a client requests it with ETRN or ATRN (etrn_hold.h). */
#ifndef QUEUE_ATTEMPT_ETRN_WAIT_H
#define QUEUE_ATTEMPT_ETRN_WAIT_H

#include "queue/attempt/queue.h"

/*
 * False when mail for recipient AT of M, whose next hop is D, may go now. True when the recipient was set to DELAYED,
 * or has expired and was noted as failed.
 */
bool etrn_wait_holds(struct queue *q, struct message *m, const struct destination *d, size_t at);

/*
 * For M, which was tried and is deferred: the next hop on whose list it must wait when some of its recipients wait for
 * ETRN; else NULL. *LEFT_MS: the time until the first recipient expires, when all of them wait for ETRN; else 0.
 */
struct destination *etrn_wait_for(struct queue *q, const struct message *m, int64_t *left_ms);

#endif
