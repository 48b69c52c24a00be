/* Makes jobs of a loaded message: routes each open recipient and puts it into a job for its next hop. */
#ifndef QUEUE_ATTEMPT_ASSIGN_H
#define QUEUE_ATTEMPT_ASSIGN_H

#include "queue/attempt/queue.h"

/* Puts every open recipient of loaded message M into a job, or notes why it gets none. False without memory. */
bool assign_jobs(struct queue *q, struct message *m);

/* Ends the jobs of M whose next hop is not worth waiting for (destination.h), and notes the delay. */
void assign_refuse_hopeless(struct queue *q, struct message *m);

#endif
