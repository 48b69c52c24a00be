/* What becomes of a message's recipients as lines of its journal, and the lines that the disk refused. */
#ifndef QUEUE_ATTEMPT_RECORD_H
#define QUEUE_ATTEMPT_RECORD_H

#include "queue/attempt/queue.h"

/*
 * Appends LINES (whole lines) to M's journal, DURABLE or not. Lines that are FINAL and can't be written are kept in
 * memory until they can: M is not tried before.
 */
void record_lines(struct queue *q, struct message *m, struct span lines, bool final, bool durable);

/* What the disk refused of M's journal is written now. False: it can't be, and M waits a little. True when there is
 * nothing. */
bool record_unwritten(struct queue *q, struct message *m);

#endif
