/* What an attempt came to for recipients of a message: into their states, and into the journal. */
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
	bool journaled; /* a worker has written it already */
};

/*
 * Notes RESULT for recipients FIRST to LAST of loaded message M; of these for those of JOB only, if there is one. It
 * goes into their states, and into the journal if it must be remembered: nothing need be when all is delivered now. A
 * delay becomes a failure when the time of the message is over.
 */
void note_result(struct queue *q, struct message *m, const struct job *job, size_t first, size_t last,
		 const struct attempt_result *result);

#endif
