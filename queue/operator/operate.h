/*
 * What an operator can do with a message: look at it, retry, hold, release, delete or bounce it. This happens in the
 * queue between two turns, so there is no race with a delivery. A message that a worker has is left alone.
 */
#ifndef QUEUE_OPERATOR_OPERATE_H
#define QUEUE_OPERATOR_OPERATE_H

#include "common/ipc/rows.h"
#include "queue/attempt/queue.h"

/*
 * The loaded form of M, only to look at: that of its attempt, or one that is read for this purpose. Give it back with
 * operate_unpeek. NULL when M can't be read.
 */
struct loaded *operate_peek(struct queue *q, struct message *m);
/* Gives W back, which may be NULL. */
void operate_unpeek(struct loaded *w);

enum operate_outcome {
	OPERATE_DONE,
	OPERATE_IN_HAND, /* a worker, or the program that submitted it, works on it */
	OPERATE_ALREADY, /* the action does not apply (operate_applies) */
	OPERATE_FAILED,  /* the log says why */
	OPERATE_GONE,    /* the message has left the queue */
	OPERATE_LATER,   /* call again in the next turn */
	OPERATE_OUTCOME_COUNT
};

/*
 * True when ACTION applies to M: retry and hold to messages that are not held, release to held ones, the others to all.
 */
bool operate_applies(const struct message *m, enum row_action action);

/* Does ACTION (of queue_act) with M. M may be freed. */
enum operate_outcome operate_act(struct queue *q, struct message *m, enum row_action action);

#endif
