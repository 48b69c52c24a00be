/*
 * An attempt to deliver a message: load it, send a notice that is due, rename it into a drop folder or make jobs. When
 * no job is left: finish, send a notice, give up or defer. Only this module decides what follows. The modules that it
 * calls note their results and return; none of them calls back here.
 */
#ifndef QUEUE_ATTEMPT_ATTEMPT_H
#define QUEUE_ATTEMPT_ATTEMPT_H

#include "queue/attempt/note.h"
#include "queue/attempt/queue.h"

/* Begins an attempt of message M, which is READY or has just arrived. M may be freed. */
void attempt_begin(struct queue *q, struct message *m);

/* Does what follows after a job of loaded message M has ended, or a result was noted. M may be freed. */
void attempt_settle(struct queue *q, struct message *m);

/*
 * D can't be used: notes RESULT for the messages whose jobs wait there, and settles them. A bounded number per call;
 * true when no job is left.
 */
bool attempt_refuse(struct queue *q, struct destination *d, const struct attempt_result *result);

/* Another process holds M's lock: takes M back and tries again soon, after a wait that doubles each time. */
void attempt_lock_busy(struct queue *q, struct message *m);

#endif
