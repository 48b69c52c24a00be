/*
 * What workers report, and what their silence means. A verdict is read without taking it, acted upon, and only then
 * taken: a queue that dies between the two acts twice, and every act bears that. A verdict for a message that waits or
 * was just found counts too: it comes from before a restart.
 */
#ifndef QUEUE_ATTEMPT_VERDICTS_H
#define QUEUE_ATTEMPT_VERDICTS_H

#include "queue/attempt/queue.h"

/* Acts upon what is there, a bounded number. True: the link is drained. Nothing is read before the first listing. */
bool verdicts_receive(struct queue *q);

/* One verdict packet, whoever sent it. False: it is none. */
bool verdicts_apply(struct queue *q, struct span packet);

/* The link of W is at its end: drains the verdicts first, then its jobs are temporary failures. W is gone afterwards.
 */
void verdicts_worker_gone(struct queue *q, struct worker *w);

#endif
