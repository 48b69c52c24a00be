/* The event loop of a queue. It only decides which descriptor is read, and when a turn is due. */
#ifndef QUEUE_MANAGER_H
#define QUEUE_MANAGER_H

#include "queue/loop.h"

/* Runs L until master says stop or ends. CONTROL: the link to master, borrowed. Returns the exit status. */
int manager_run(struct loop *l, int control);

#endif
