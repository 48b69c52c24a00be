/* The end of a message in memory. */
#ifndef QUEUE_MODEL_FORGET_H
#define QUEUE_MODEL_FORGET_H

#include "queue/model/destination.h"

/* Forgets M: its loaded form (whose jobs must be gone), its references, its place. Files stay. */
void forget_message(struct messages *messages, struct destinations *destinations, struct message *m);

#endif
