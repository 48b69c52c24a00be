/*
 * What the sender of a message is to be told (RFC 3461), and the job that tells him. All of it follows from envelope,
 * journal and configuration, so that a queue that starts anew comes to the same notice, with the same name.
 */
#ifndef QUEUE_ATTEMPT_OWED_H
#define QUEUE_ATTEMPT_OWED_H

#include "queue/attempt/queue.h"

struct job;

enum owed { OWED_NOTHING, OWED_FAILURE, OWED_SUCCESS, OWED_DELAY };

/* About recipient RCPT of whole message M, of which no attempt is under way. */
enum owed owed_of(const struct queue *q, const struct message *m, size_t rcpt);

/* About any recipient. */
bool owed_anything(const struct queue *q, const struct message *m);

/* About any recipient of J still, which should have told. */
bool owed_still(const struct queue *q, const struct job *j);

/* Makes the job that tells all of it. False without memory. */
bool owed_begin(struct queue *q, struct message *m);

#endif
