/* What the queue counts for metrics (common/ipc/counters.h). */
#ifndef QUEUE_ATTEMPT_TALLY_H
#define QUEUE_ATTEMPT_TALLY_H

#include "common/ipc/counters.h"
#include "queue/attempt/note.h"

/* RESULT changed the state of N recipients. */
void tally_result(const struct attempt_result *result, size_t n);

/* M, which is loaded, was renamed into a drop folder: all its recipients have it, and it leaves the queue. */
void tally_dropped(const struct queue *q, const struct message *m);

/* M leaves the queue. */
void tally_final(const struct queue *q, const struct message *m);

/* The reasons of delays and failures. Pure. */
enum counter tally_deferred(const struct attempt_result *result);
enum counter tally_bounced(const struct attempt_result *result);

#endif
