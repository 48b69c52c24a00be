/* Notes the result of an attempt for recipients of a message: in their states and in the journal. */
#ifndef QUEUE_ATTEMPT_NOTE_H
#define QUEUE_ATTEMPT_NOTE_H

#include "common/mail/journal.h"
#include "queue/attempt/queue.h"

struct job;

struct attempt_result {
	enum journal_event event;
	int code;
	struct enhanced enhanced;
	struct span host, text;
	bool journaled;   /* a worker has already written it to the journal */
	bool by_operator; /* and not by a host or a rule */
};

/*
 * Notes RESULT for recipients FIRST to LAST of loaded message M. With a JOB, only for its recipients; JOB may be NULL.
 * Changes their states and writes the journal, unless the message is done now. A delay becomes a failure when the
 * message has expired.
 */
void note_result(struct queue *q, struct message *m, const struct job *job, size_t first, size_t last,
		 const struct attempt_result *result);

#endif
