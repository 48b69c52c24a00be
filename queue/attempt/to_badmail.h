/* Messages that can be neither delivered nor returned. */
#ifndef QUEUE_ATTEMPT_TO_BADMAIL_H
#define QUEUE_ATTEMPT_TO_BADMAIL_H

#include "queue/attempt/queue.h"

/* M becomes badmail/ID.eml, with WHY (lines of text). True: M is gone. False: it could not be moved and waits. */
bool to_badmail(struct queue *q, struct message *m, struct span why);

#endif
