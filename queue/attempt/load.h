/* Messages made whole: the file opened, envelope and journal read; and the way back. */
#ifndef QUEUE_ATTEMPT_LOAD_H
#define QUEUE_ATTEMPT_LOAD_H

#include "queue/attempt/queue.h"

/*
 * Makes M whole. False: M was dealt with (it is gone, went to badmail, or waits for better times).
 */
bool load_message(struct queue *q, struct message *m);

/* Closes the message file of W, if it is open: whoever needs the file opens it again. */
void load_close_file(struct queue *q, struct whole *w);

/* Throws the whole form away; no job may be left. M stays where it is. */
void load_undo(struct queue *q, struct message *m);

#endif
