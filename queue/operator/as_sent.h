/* The text of a message in the queue as its next hop gets it. */
#ifndef QUEUE_OPERATOR_AS_SENT_H
#define QUEUE_OPERATOR_AS_SENT_H

#include "queue/attempt/queue.h"
#include "queue/operator/text_stream.h"

enum { AS_SENT_WHY_MAX = 1024 };

/*
 * Begins to send, by STREAM, the text of M as it goes to RECIPIENT, or to the first recipient that waits if RECIPIENT
 * is empty: without the lines of the envelope, with the sender of the setting send_as, and a note if it will be signed.
 * False with WHY (AS_SENT_WHY_MAX) when M has no such recipient, goes to no host, or can't be read.
 */
bool as_sent_open(struct queue *q, struct message *m, struct span recipient, struct text_stream *stream, char *why);

#endif
