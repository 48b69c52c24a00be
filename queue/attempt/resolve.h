/*
 * Asking the resolver for the hosts of a destination. A request has a deadline; the link may go and come back
 * meanwhile. The answers: resolved.h.
 */
#ifndef QUEUE_ATTEMPT_RESOLVE_H
#define QUEUE_ATTEMPT_RESOLVE_H

#include "queue/attempt/queue.h"

/* A question of somebody who has no mail to send. */
struct resolve_asker {
	void (*answered)(struct resolve_asker *asker, size_t target, enum target_state state,
			 const struct wire_resolved *answer);
};

/* One request under way; the oldest first. */
struct resolve_request {
	TAILQ_ENTRY(resolve_request) place;
	UT_hash_handle hh;
	uint32_t serial;
	struct destination *destination; /* counted; NULL: it is the asker's */
	struct resolve_asker *asker;
	const struct target *what;
	size_t target; /* its number */
	int64_t deadline;
};
TAILQ_HEAD(resolve_list, resolve_request);

struct resolve {
	struct resolve_list list;
	struct resolve_request *by_serial;
	uint32_t last_serial;
};

/* Asks for what D needs to know, if it needs anything now. What needs no look-up is known at once. */
void resolve_ask(struct queue *q, struct destination *d);

/* Asks for WHAT, which is target AT of ASKER: ASKER is told once. WHAT lives until it was answered or forgotten. */
void resolve_look_up(struct queue *q, const struct target *what, size_t at, struct resolve_asker *asker);

/* ASKER is told no more. */
void resolve_forget(struct queue *q, const struct resolve_asker *asker);

/* The requests under way of Q. */
struct resolve *resolve_state(struct queue *q);

/* R is answered, or nobody needs the answer: it is freed. */
void resolve_end(struct queue *q, struct resolve_request *r);

/* A new link to the resolver (owned from now on): what was asked is asked again. */
void resolve_attach(struct queue *q, int fd);

/* The link is closed; WHY goes to the log, NULL: the resolver is gone, of which master tells. */
void resolve_drop_link(struct queue *q, const char *why);

/* When the next request's time is over; INT64_MAX = none. */
int64_t resolve_next(const struct queue *q);

void resolve_free(struct queue *q);

#endif
