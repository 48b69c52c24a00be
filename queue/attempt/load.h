/* Messages loaded for an attempt: the file opened, envelope and journal read. */
#ifndef QUEUE_ATTEMPT_LOAD_H
#define QUEUE_ATTEMPT_LOAD_H

#include "queue/attempt/queue.h"

/* Loads M. False: M was dealt with (it is gone, went to badmail, or waits for better times). */
bool load_message(struct queue *q, struct message *m);

#endif
