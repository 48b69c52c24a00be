/* Sends jobs to workers: the packet with the message file and the journal. */
#ifndef QUEUE_ATTEMPT_SEND_H
#define QUEUE_ATTEMPT_SEND_H

#include "queue/attempt/queue.h"
#include "queue/model/job.h"

/*
 * Sends J to W and assigns it. 0, or -errno when J is not assigned: -EWOULDBLOCK when another process works on the
 * message, -EPIPE when the worker is gone.
 */
int send_job(struct queue *q, struct job *j, struct worker *w);

#endif
