/*
 * The fast path: a message whose recipients share one drop folder of the spool's file system is renamed into it there
 * and then. And what the queue knows of the room in drop folders before a worker tries.
 */
#ifndef QUEUE_ATTEMPT_LOCAL_DROP_H
#define QUEUE_ATTEMPT_LOCAL_DROP_H

#include "queue/attempt/queue.h"

/* M, loaded, needs jobs; it is delivered and gone; what became of it is noted; it is to be tried again in a moment. */
enum local_drop { LOCAL_DROP_NEEDS_JOBS, LOCAL_DROP_DONE, LOCAL_DROP_NOTED, LOCAL_DROP_LATER };

enum { LOCAL_DROP_LATER_MS = 50 }; /* that moment */

enum local_drop local_drop_try(struct queue *q, struct message *m);

/* D's folder has no room for M, now or ever, as is noted then for RCPT. A folder in other trouble is the worker's
 * affair. */
bool local_drop_lacks_room(struct queue *q, struct message *m, struct destination *d, size_t rcpt);

/* A recipient's folder has not been counted yet, so nobody knows whether there is room for M. */
bool local_drop_is_unknown(struct queue *q, const struct message *m);

#endif
