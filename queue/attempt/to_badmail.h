/* Moves messages that can be neither delivered nor returned to badmail. */
#ifndef QUEUE_ATTEMPT_TO_BADMAIL_H
#define QUEUE_ATTEMPT_TO_BADMAIL_H

#include "common/ipc/counters.h"
#include "queue/attempt/queue.h"

/*
 * Moves M to badmail with the reason WHY (lines of text), which REASON counts. True: M is freed. False: it could not be
 * moved and waits.
 */
bool to_badmail(struct queue *q, struct message *m, struct span why, enum counter reason);

#endif
