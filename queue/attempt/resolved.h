/* What the resolver answers (resolve.h). It is a process that reads the network: every answer is checked. */
#ifndef QUEUE_ATTEMPT_RESOLVED_H
#define QUEUE_ATTEMPT_RESOLVED_H

#include "queue/attempt/queue.h"

/* Takes what the resolver says, until there is nothing. False: the link is broken and was closed. */
bool resolved_receive(struct queue *q);

/* Gives up requests whose time is over. */
void resolved_expire(struct queue *q);

#endif
