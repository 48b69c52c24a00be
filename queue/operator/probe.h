/*
 * A test message for an operator: an ordinary message of ours, but that what is said to the next hop and what becomes
 * of it is told as it happens.
 */
#ifndef QUEUE_OPERATOR_PROBE_H
#define QUEUE_OPERATOR_PROBE_H

#include "queue/attempt/queue.h"

enum { PROBE_WHY_MAX = 300 };

/*
 * Accepts a message from SENDER (empty = the postmaster) to RECIPIENT; it is on its way then, and ID (MSGID_LEN + 1)
 * its id. False with WHY.
 */
bool probe_begin(struct queue *q, struct span sender, struct span recipient, char *id, char *why);

#endif
