/*
 * Walks the messages of the queue for an operator: lists or counts the selected messages, or does an action with each.
 * In slices of a few milliseconds, so that a million messages stop no delivery.
 */
#ifndef QUEUE_OPERATOR_SURVEY_H
#define QUEUE_OPERATOR_SURVEY_H

#include "queue/operator/operate.h"
#include "queue/operator/selection.h"

struct survey {
	struct selection selection;
	enum row_action action; /* 0 = list them */
	bool count_only;
	size_t limit; /* rows of a listing, 0 = any number */

	struct message *cursor; /* the next message to look at */
	size_t left;            /* messages still to look at, at most; later arrivals do not count */
	size_t looked;
	int64_t told_ms; /* when progress was last reported */
	size_t counts[OPERATE_OUTCOME_COUNT];
};

enum { SURVEY_OUT_ENOUGH = 64 * 1024 };

enum survey_step {
	SURVEY_MORE, /* more can be done at once, or as soon as the reader has taken more */
	SURVEY_WAIT, /* more can be done in a later turn */
	SURVEY_END
};

/* Begins S, whose fields above the gap the caller has set. */
void survey_begin(struct queue *q, struct survey *s);

/* Goes on until clock_mono_ms() reaches UNTIL_MS, or TO has SURVEY_OUT_ENOUGH octets. Appends rows to TO. */
enum survey_step survey_go_on(struct queue *q, struct survey *s, int64_t until_ms, struct str *to);

/* Message M is about to be freed: S steps over it. */
void survey_forget(struct survey *s, const struct message *m);

#endif
