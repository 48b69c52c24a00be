/* Removes a message from memory. */
#ifndef QUEUE_MODEL_FORGET_H
#define QUEUE_MODEL_FORGET_H

#include "queue/model/destination.h"

/* Frees M and its loaded form, whose jobs must have ended, and drops its references. Its files stay. */
void forget_message(struct messages *messages, struct destinations *destinations, struct message *m);

#endif
