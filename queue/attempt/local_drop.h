/*
 * The fast path: a message whose recipients share one drop folder is renamed into it at once, if the folder is on the
 * file system of the spool. Also checks whether a folder has room before a worker tries it.
 */
#ifndef QUEUE_ATTEMPT_LOCAL_DROP_H
#define QUEUE_ATTEMPT_LOCAL_DROP_H

#include "queue/attempt/queue.h"

/*
 * NEEDS_JOBS: a worker must deliver the message. DONE: it is delivered and freed. NOTED: it failed, and the result was
 * noted. LATER: it must be tried again after LOCAL_DROP_LATER_MS.
 */
enum local_drop { LOCAL_DROP_NEEDS_JOBS, LOCAL_DROP_DONE, LOCAL_DROP_NOTED, LOCAL_DROP_LATER };

enum { LOCAL_DROP_LATER_MS = 50 };

/* Delivers loaded message M, if it can be renamed into a drop folder. */
enum local_drop local_drop_try(struct queue *q, struct message *m);

/* True when the folder of D has no room for M, now or ever; this is noted for recipient RCPT. Other errors are left to
 * the worker. */
bool local_drop_lacks_room(struct queue *q, struct message *m, struct destination *d, size_t rcpt);

/* True when the folder of a recipient of M was not counted yet, so that its room is not known. */
bool local_drop_is_unknown(struct queue *q, const struct message *m);

#endif
