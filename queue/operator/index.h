/*
 * Sets the marks (marks.h) of messages that a scan found waiting. Only the name and the next try of such a message are
 * known, so a selection by domain would have to read all of them. The index reads their envelopes in the background, in
 * slices.
 */
#ifndef QUEUE_OPERATOR_INDEX_H
#define QUEUE_OPERATOR_INDEX_H

#include "queue/attempt/queue.h"

struct index {
	struct message *cursor; /* the next message */
	size_t left;            /* messages still to be marked, at most */
	int64_t next_ms;        /* when the next slice is due */
	bool begun;
};

enum { INDEX_EVERY_MS = 5, INDEX_SLICE_MS = 2 };

/* Does a slice, if one is due. */
void index_turn(struct index *x, struct queue *q);

/* Sets the marks of M at once, if its file can be read. */
void index_mark(struct queue *q, struct message *m);

/* When the next slice is due; INT64_MAX = never. */
int64_t index_next(const struct index *x);

/* Message M is about to be freed. */
void index_forget(struct index *x, const struct message *m);

#endif
