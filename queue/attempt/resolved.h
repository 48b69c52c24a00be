/* The answers of the resolver (resolve.h). The resolver reads the network, so every answer is checked. */
#ifndef QUEUE_ATTEMPT_RESOLVED_H
#define QUEUE_ATTEMPT_RESOLVED_H

#include "queue/attempt/queue.h"

/* Takes the answers that have come, a bounded number. False when the link was closed. */
bool resolved_receive(struct queue *q);

/* Gives up requests that are past their deadline. */
void resolved_expire(struct queue *q);

#endif
