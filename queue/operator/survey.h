/*
 * Going through the messages of the queue for an operator: a listing, a count, or an action on each that is meant. In
 * slices of a few milliseconds, so that a million messages stop no delivery.
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
	size_t left;            /* messages to look at, at most: those that come meanwhile don't count */
	size_t looked;
	int64_t told_ms; /* that it goes on */
	size_t counts[OPERATE_OUTCOME_COUNT];
};

enum { SURVEY_OUT_ENOUGH = 64 * 1024 };

enum survey_step {
	SURVEY_MORE, /* more can be done at once, or as soon as the reader has taken what there is */
	SURVEY_WAIT, /* not before something else has happened */
	SURVEY_END
};

/* The fields above the gap are filled in. */
void survey_begin(struct queue *q, struct survey *s);

/* Goes on until UNTIL_MS of clock_mono_ms, or TO has enough rows for now. */
enum survey_step survey_go_on(struct queue *q, struct survey *s, int64_t until_ms, struct str *to);

/* M goes away: it is stepped over. */
void survey_forget(struct survey *s, const struct message *m);

#endif
