/* A changed configuration in a running queue: what waits is routed anew. */
#ifndef QUEUE_RELOAD_H
#define QUEUE_RELOAD_H

#include "queue/attempt/queue.h"

/*
 * Takes the canonical text in FD (closed). What has not begun is decided anew; what waits and would not go where it
 * went before is tried at once. False: the text is none, nothing changed.
 */
bool reload_take(struct queue *q, int fd);

#endif
