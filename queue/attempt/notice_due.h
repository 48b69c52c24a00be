/*
 * Which notice (RFC 3461) the sender of a message must get, and the job that writes it. All of this follows from the
 * envelope, the journal and the configuration, so a restarted queue makes the same notice with the same id.
 */
#ifndef QUEUE_ATTEMPT_NOTICE_DUE_H
#define QUEUE_ATTEMPT_NOTICE_DUE_H

#include "queue/attempt/queue.h"

struct job;

enum notice_due { NOTICE_DUE_NOTHING, NOTICE_DUE_FAILURE, NOTICE_DUE_SUCCESS, NOTICE_DUE_DELAY };

/* The notice that is due about recipient RCPT of loaded message M, which has no jobs. */
enum notice_due notice_due_of(const struct queue *q, const struct message *m, size_t rcpt);

/* True when a notice is due about any recipient of loaded message M. */
bool notice_due_anything(const struct queue *q, const struct message *m);

/* True when a notice is still due about a recipient of J, a notice job that has ended. */
bool notice_due_still(const struct queue *q, const struct job *j);

/*
 * Makes the job that writes the notice due for loaded message M. False without memory, or when the journal can't be
 * read.
 */
bool notice_due_begin(struct queue *q, struct message *m);

#endif
