/*
 * Asks other hosts with ETRN for mail that waits there for us: connectors with etrn_request, at the start and then in
 * the period that they say. The hosts are looked up like those of mail; an SMTP client asks them, and says in the log
 * what they answered.
 */
#ifndef QUEUE_ETRN_CALLER_H
#define QUEUE_ETRN_CALLER_H

#include "queue/attempt/queue.h"

/* Each second: who is due is asked. */
void caller_tend(struct queue *q);

void caller_free(struct queue *q);

#endif
