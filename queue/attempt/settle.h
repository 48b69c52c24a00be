/*
 * The end of an attempt: what became of each recipient is noted, and when no job is left the message is finished,
 * noticed, given up or deferred. And the ways back of what was deferred.
 */
#ifndef QUEUE_ATTEMPT_SETTLE_H
#define QUEUE_ATTEMPT_SETTLE_H

#include "queue/attempt/queue.h"

struct job;

struct settle_result {
	enum journal_event event;
	int code;
	struct enhanced enhanced;
	struct span host, text;
	bool journaled; /* a worker has written it already */
};

/*
 * Notes RESULT for recipients FIRST to LAST of whole message M; of these for those of JOB only, if there is one. It
 * goes into their states, and into the journal if it must be remembered: nothing need be when all is delivered now. A
 * delay becomes a failure when the time of the message is over.
 */
void settle_note(struct queue *q, struct message *m, const struct job *job, size_t first, size_t last,
		 const struct settle_result *result);

/* Settles M when no job is left. M may be gone afterwards. */
void settle_message(struct queue *q, struct message *m);

/* There is no way to D: delays (or fails) the messages whose jobs wait there. A bounded number; true when all are done.
 */
bool settle_refuse(struct queue *q, struct destination *d, const struct settle_result *result);

/* Jobs for D became fewer, or one of its hosts was reached again: parked messages and those that wait for it come back.
 */
void settle_refill(struct queue *q, struct destination *d);

/* M waits no longer for its destination to be reached (whatever it does now). */
void settle_stop_waiting(struct message *m);

/* Makes M due now if it waits. True if it did. */
bool settle_hurry(struct queue *q, struct message *m);

/* What the disk refused of M's journal is written now. False: it can't be, and M waits a little. Harmless when there is
 * nothing. */
bool settle_write_down(struct queue *q, struct message *m);

/* M becomes badmail/ID.eml, with WHY. M is gone afterwards, unless that fails. */
void settle_badmail(struct queue *q, struct message *m, struct span why);

/* M can't be handled for the moment: ERR (negative errno) of what WHAT says. It waits a little. */
void settle_trouble(struct queue *q, struct message *m, const char *what, int err);

#endif
