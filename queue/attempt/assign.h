/* A loaded message becomes jobs: each open recipient is routed and put into a job for its next hop. */
#ifndef QUEUE_ATTEMPT_ASSIGN_H
#define QUEUE_ATTEMPT_ASSIGN_H

#include "queue/attempt/queue.h"

/* Puts every open recipient of M into a job, or notes why it gets none. False without memory. */
bool assign_jobs(struct queue *q, struct message *m);

/* Ends the jobs of M whose next hop is down for longer, and notes the delay: they are deferred at once. */
void assign_refuse_hopeless(struct queue *q, struct message *m);

#endif
