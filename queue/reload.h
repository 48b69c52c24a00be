/* A new configuration for a running queue: waiting messages are routed again. */
#ifndef QUEUE_RELOAD_H
#define QUEUE_RELOAD_H

#include "queue/attempt/queue.h"

/*
 * Takes the configuration in FD, which is closed. Jobs that no worker has are made again. Waiting messages whose routes
 * have changed are tried at once. False when the text is invalid; the old configuration stays then.
 */
bool reload_take(struct queue *q, int fd);

#endif
