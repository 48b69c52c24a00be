/*
 * Drop folders in trouble: missing, not writable, full. Their mail waits at the next hop that stands for the folder; a
 * look a second finds out when it may work again, and then one message tries. The others follow when it got there, each
 * when the one before did, so a folder that has room for one more is not tried by all. No restart, no operator.
 */
#ifndef QUEUE_ATTEMPT_FOLDER_H
#define QUEUE_ATTEMPT_FOLDER_H

#include "queue/attempt/queue.h"

/* Nothing can be put into D, a drop folder. The caller defers M with D as what it waits for (whole->unreachable). */
void folder_failed(struct queue *q, struct destination *d, const char *why);

/* Something was put into D. */
void folder_worked(struct queue *q, struct destination *d);

/* The same, by a worker: SIZE octets more lie there. */
void folder_took(struct queue *q, struct destination *d, uint64_t size);

/* Once a second: looks whether what did not work may work now. */
void folders_tend(struct queue *q);

/* Why FOLDER takes no mail, good until the next call; NULL = it does, as far as is known. */
const char *folder_trouble(const struct queue *q, const struct drop *folder);

#endif
