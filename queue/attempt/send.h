/* A job on its way to a worker: the packet of its kind, the message, the journal. */
#ifndef QUEUE_ATTEMPT_SEND_H
#define QUEUE_ATTEMPT_SEND_H

#include "queue/attempt/queue.h"
#include "queue/model/job.h"

/*
 * Sends J to W: packet, message, journal. 0, or -errno; -EWOULDBLOCK: another process works on the message; -EPIPE: the
 * worker is gone. J is assigned to W on success only.
 */
int send_job(struct queue *q, struct job *j, struct worker *w);

#endif
