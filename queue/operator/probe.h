/*
 * A test message for an operator. It is an ordinary message, but its SMTP dialogue and its outcome are reported at
 * once.
 */
#ifndef QUEUE_OPERATOR_PROBE_H
#define QUEUE_OPERATOR_PROBE_H

#include "queue/attempt/queue.h"

enum { PROBE_WHY_MAX = 300 };

/*
 * Puts a test message from SENDER (empty = the postmaster) to RECIPIENT into the queue, and writes its id to ID, which
 * holds MSGID_LEN + 1. False when that failed; WHY, which holds PROBE_WHY_MAX, says why.
 */
bool probe_begin(struct queue *q, struct span sender, struct span recipient, char *id, char *why);

#endif
