/*
 * How much mail of each next hop waits, and how old its oldest message is, for metrics and alerts. The queue keeps no
 * order by age, so a pass over all messages finds it, in slices, and only when an answer asks for it.
 */
#ifndef QUEUE_OPERATOR_AGES_H
#define QUEUE_OPERATOR_AGES_H

#include "queue/attempt/queue.h"

struct ages {
	struct message *cursor; /* the next message; NULL = no pass runs */
	size_t left;            /* messages still to be counted, at most; later arrivals do not count */
	int64_t next_ms;        /* when the next slice is due */
	int64_t again_ms;       /* no pass begins before */
	uint32_t pass;          /* the one that runs, or ended last; 0 = none */
	uint32_t ended;         /* the last one that ended; 0 = none */
	int64_t oldest_ms[2];   /* wall clock, of the oldest message; INT64_MAX = none. By pass & 1 */
};

enum { AGES_PASS_MS = 5000, AGES_EVERY_MS = 5, AGES_SLICE_MS = 2 };

/* Somebody asks: begins a pass, unless one runs or the last one is AGES_PASS_MS old at most, and does a slice. */
void ages_want(struct ages *a, struct queue *q);

/* Does a slice, if one is due. */
void ages_turn(struct ages *a, struct queue *q);

/* When the next slice is due; INT64_MAX = never. */
int64_t ages_next(const struct ages *a);

/* Message M is about to be freed. */
void ages_forget(struct ages *a, const struct message *m);

/* Of the last complete pass: when the oldest message that is not held was accepted (wall clock). 0 = not known. */
int64_t ages_oldest(const struct ages *a);

/* Of the last complete pass: the mail for next hop D. */
struct destination_mail ages_of(const struct ages *a, const struct destination *d);

#endif
