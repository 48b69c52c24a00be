/* Writes lines to the journals of messages, and keeps lines that could not be written. */
#ifndef QUEUE_ATTEMPT_RECORD_H
#define QUEUE_ATTEMPT_RECORD_H

#include "common/mail/journal.h"
#include "queue/attempt/queue.h"

/*
 * Appends LINES, whole lines, to M's journal. DURABLE: with fsync. FINAL: lines that can't be written are kept in
 * memory, and M is not tried again before they are written.
 */
void record_lines(struct queue *q, struct message *m, struct span lines, bool final, bool durable);

/* Writes EVENT of this server, for all recipients of M, with TEXT; moves M to cur/ first. 0 or -errno. */
__attribute__((warn_unused_result)) int record_event(struct queue *q, struct message *m, enum journal_event event,
						     struct span text);

/*
 * Writes the lines of M that could not be written before, if there are any. False when that fails again; M is deferred
 * for some seconds then.
 */
bool record_unwritten(struct queue *q, struct message *m);

#endif
