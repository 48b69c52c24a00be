/*
 * Takes the verdicts of workers, and handles workers that end without one. A verdict is read with MSG_PEEK, acted upon,
 * and only then taken from the link. A queue that dies in between acts on it twice, which does no harm. A verdict for a
 * message that waits or was just found counts too: it is from a worker of the queue before a restart.
 */
#ifndef QUEUE_ATTEMPT_VERDICTS_H
#define QUEUE_ATTEMPT_VERDICTS_H

#include "queue/attempt/queue.h"

/*
 * Acts on the verdicts that have come, a bounded number. True when the link is drained. False, and nothing is read,
 * before messages.all_known.
 */
bool verdicts_receive(struct queue *q);

/* Acts on one PACKET, a verdict or a line of dialogue. False when it is neither. */
bool verdicts_apply(struct queue *q, struct span packet);

/* The job link of W is closed: takes the verdicts first, then ends the jobs of W without result and frees W. */
void verdicts_worker_gone(struct queue *q, struct worker *w);

#endif
