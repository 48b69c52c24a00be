/* The ends of an attempt: the message is finished, given up, deferred, or taken back to be tried again. */
#ifndef QUEUE_ATTEMPT_SETTLE_H
#define QUEUE_ATTEMPT_SETTLE_H

#include "queue/attempt/queue.h"

/* Nothing is left to do for M: its files are removed and M is gone, or waits when they can't be removed. */
void settle_finish(struct queue *q, struct message *m);

/* Recipients of M failed, and its sender is empty, so that no notice can be sent: M becomes bad mail. */
void settle_give_up(struct queue *q, struct message *m);

/* M waits for its next try, or for its next hop. */
void settle_defer(struct queue *q, struct message *m);

/* M waits until DUE_MS as before: nothing has happened that would make it due. */
void settle_wait_on(struct queue *q, struct message *m, int64_t due_ms);

/* Takes back what has not begun. When nothing is out, M is unloaded and tried again after HOLD_MS (0 = as soon as there
 * is room). */
void settle_take_back(struct queue *q, struct message *m, int64_t hold_ms);

#endif
