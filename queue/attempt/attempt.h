/*
 * The beginning of an attempt to deliver a message: loaded, routed, put into jobs. The fast path is here too: what goes
 * to one drop folder of the spool's file system is renamed there and then. The end of an attempt: settle.h.
 */
#ifndef QUEUE_ATTEMPT_ATTEMPT_H
#define QUEUE_ATTEMPT_ATTEMPT_H

#include "queue/attempt/queue.h"

/* There is room for one more whole message, and the spool will take what becomes of it. */
bool attempt_may_begin(const struct queue *q);

/* Attempts message M, which is READY or has just arrived. M may be gone afterwards. */
void attempt_begin(struct queue *q, struct message *m);

/* What is left of an attempt that began with a notice which an attempt before it owed. */
void attempt_go_on(struct queue *q, struct message *m);

/* Takes back what has not begun. When nothing is out, M is tried again after HOLD_MS (0 = as soon as there is room). */
void attempt_take_back(struct queue *q, struct message *m, int64_t hold_ms);

/* Somebody else holds M's lock: it is taken back and tried again in a moment, each time a little later. */
void attempt_lock_busy(struct queue *q, struct message *m);

#endif
