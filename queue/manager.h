/* The event loop of a queue: says which descriptor has something to read, and when a turn is due. Nothing else. */
#ifndef QUEUE_MANAGER_H
#define QUEUE_MANAGER_H

#include "queue/loop.h"

/* Serves Q, whose control link is CONTROL, until master says stop or is gone. Returns the exit status. */
int manager_run(struct loop *l, int control);

#endif
