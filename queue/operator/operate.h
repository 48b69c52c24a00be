/*
 * What an operator may do to a message: look into it, have it retried, held, released, deleted or returned. The queue's
 * own functions do it, between two turns, so there is no race with a delivery: what a worker has in hand is left alone.
 */
#ifndef QUEUE_OPERATOR_OPERATE_H
#define QUEUE_OPERATOR_OPERATE_H

#include "common/ipc/rows.h"
#include "queue/attempt/queue.h"

/*
 * The whole form of M to look at: its own while an attempt runs, otherwise one made for the purpose and given back with
 * operate_unpeek. NULL when it can't be read.
 */
struct loaded *operate_peek(struct queue *q, struct message *m);
void operate_unpeek(struct loaded *w); /* NULL is fine */

enum operate_outcome {
	OPERATE_DONE,
	OPERATE_IN_HAND, /* a worker, or who put it here, works on it */
	OPERATE_ALREADY, /* there is nothing to do, or not without something else first */
	OPERATE_FAILED,  /* the log says why */
	OPERATE_GONE,    /* it has come to its end meanwhile */
	OPERATE_LATER,   /* ask again in the next turn */
	OPERATE_OUTCOME_COUNT
};

/* Whether ACTION could change anything: what is held is not retried, and only that is released. */
bool operate_applies(const struct message *m, enum row_action action);

/* Does ACTION (of queue_act) to M, which may be gone afterwards. */
enum operate_outcome operate_act(struct queue *q, struct message *m, enum row_action action);

#endif
