/*
 * An attempt to deliver a message, and the one place that acts on what follows: load, tell the sender what is due,
 * rename into a drop folder or make jobs; and when no job is left, finish, notice, give up or defer. The parts it calls
 * note what they find and return; none of them calls back here.
 */
#ifndef QUEUE_ATTEMPT_ATTEMPT_H
#define QUEUE_ATTEMPT_ATTEMPT_H

#include "queue/attempt/note.h"
#include "queue/attempt/queue.h"

/* Attempts message M, which is READY or has just arrived. M may be gone afterwards. */
void attempt_begin(struct queue *q, struct message *m);

/* A job of loaded message M is over, or something was noted: what follows is done. M may be gone afterwards. */
void attempt_settle(struct queue *q, struct message *m);

/* There is no way to D: notes RESULT for the messages whose jobs wait there, and settles them. A bounded number; true
 * when all are done. */
bool attempt_refuse(struct queue *q, struct destination *d, const struct attempt_result *result);

/* Another process holds M's lock: M is taken back and tried again in a moment, each time a little later. */
void attempt_lock_busy(struct queue *q, struct message *m);

#endif
