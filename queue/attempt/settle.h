/* Ends an attempt: the message is finished, given up, deferred, or taken back to be tried again. */
#ifndef QUEUE_ATTEMPT_SETTLE_H
#define QUEUE_ATTEMPT_SETTLE_H

#include "queue/attempt/queue.h"

/* M needs nothing any more: removes its files and frees M. When they can't be removed, M waits. */
void settle_finish(struct queue *q, struct message *m);

/* Recipients of M failed, and no notice can be sent because its sender is empty: moves M to badmail. */
void settle_give_up(struct queue *q, struct message *m);

/* Defers M: it waits for its next try, and maybe for its next hop. */
void settle_defer(struct queue *q, struct message *m);

/* Unloads M, which waits until DUE_MS as before. */
void settle_wait_on(struct queue *q, struct message *m, int64_t due_ms);

/*
 * Ends the jobs of M that no worker has. When no job is left, unloads M and tries it again after HOLD_MS; 0 = as soon
 * as there is room.
 */
void settle_take_back(struct queue *q, struct message *m, int64_t hold_ms);

#endif
