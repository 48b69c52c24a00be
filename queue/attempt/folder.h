/*
 * Drop folders in trouble: missing, not writable, full. Their mail waits at the next hop of the folder. A check each
 * second finds out when the folder may work again; then one message tries it. Each delivery releases the next message,
 * so a folder with room for one message is not tried by all. No restart and no operator is needed.
 */
#ifndef QUEUE_ATTEMPT_FOLDER_H
#define QUEUE_ATTEMPT_FOLDER_H

#include "queue/attempt/queue.h"

/*
 * A delivery into drop folder D failed because of WHY. The caller sets loaded->unreachable to D and defers the message.
 */
void folder_failed(struct queue *q, struct destination *d, const char *why);

/* The queue has delivered a message into D. */
void folder_worked(struct queue *q, struct destination *d);

/* A worker has delivered SIZE octets into D. */
void folder_took(struct queue *q, struct destination *d, uint64_t size);

/* Call it each second: checks the folders in trouble, and tells smtpd how much room there is. */
void folders_tend(struct queue *q);

/* Why FOLDER accepts no mail, valid until the next call; NULL = it does, as far as known. */
const char *folder_trouble(const struct queue *q, const struct drop *folder);

#endif
