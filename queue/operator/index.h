/*
 * Marks (marks.h) for what a start found waiting: such messages are known by name and time alone, and a selection by
 * domain would have to read them all. A slice every little while reads their envelopes, so that it doesn't.
 */
#ifndef QUEUE_OPERATOR_INDEX_H
#define QUEUE_OPERATOR_INDEX_H

#include "queue/attempt/queue.h"

struct index {
	struct message *cursor; /* the next one to look at */
	size_t left;            /* to look at */
	int64_t next_ms;        /* when the next slice is due */
	bool begun;
};

enum { INDEX_EVERY_MS = 5, INDEX_SLICE_MS = 2 };

/* A slice, if one is due. */
void index_turn(struct index *x, struct queue *q);

/* Marks M at once, if its file can be read. */
void index_mark(struct queue *q, struct message *m);

/* When the next slice is due; INT64_MAX = never. */
int64_t index_next(const struct index *x);

/* M goes away. */
void index_forget(struct index *x, const struct message *m);

#endif
