/*
 * What the sender of a message is to be told (RFC 3461), and the job that tells him. All of it follows from envelope,
 * journal and configuration, so that a queue that starts anew comes to the same notice, with the same name.
 */
#ifndef QUEUE_ATTEMPT_NOTICE_DUE_H
#define QUEUE_ATTEMPT_NOTICE_DUE_H

#include "queue/attempt/queue.h"

struct job;

enum notice_due { NOTICE_DUE_NOTHING, NOTICE_DUE_FAILURE, NOTICE_DUE_SUCCESS, NOTICE_DUE_DELAY };

/* About recipient RCPT of whole message M, of which no attempt is under way. */
enum notice_due notice_due_of(const struct queue *q, const struct message *m, size_t rcpt);

/* About any recipient. */
bool notice_due_anything(const struct queue *q, const struct message *m);

/* About any recipient of J still, which should have told. */
bool notice_due_still(const struct queue *q, const struct job *j);

/* Makes the job that tells all of it. False without memory. */
bool notice_due_begin(struct queue *q, struct message *m);

#endif
