/* Loads a message for an attempt: opens its file, reads the envelope and the journal. */
#ifndef QUEUE_ATTEMPT_LOAD_H
#define QUEUE_ATTEMPT_LOAD_H

#include "queue/attempt/queue.h"

/* Loads M. False when that failed: M was moved to badmail or removed and freed, or it waits. */
bool load_message(struct queue *q, struct message *m);

#endif
