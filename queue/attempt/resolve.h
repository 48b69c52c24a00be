/*
 * Asking the resolver for the hosts of a destination. A request has a deadline; the link may go and come back
 * meanwhile. Answers come from a process that reads the network: every one is checked.
 */
#ifndef QUEUE_ATTEMPT_RESOLVE_H
#define QUEUE_ATTEMPT_RESOLVE_H

#include "queue/attempt/queue.h"

/* Asks for what D needs to know, if it needs anything now. What needs no look-up is known at once. */
void resolve_ask(struct queue *q, struct destination *d);

/* A new link to the resolver (owned from now on): what was asked is asked again. */
void resolve_attach(struct queue *q, int fd);

/* Who wants to know, but has no mail to send. WHAT lives until it was answered or forgotten. */
struct resolve_asker {
	void (*answered)(struct resolve_asker *asker, size_t target, enum target_state state,
			 const struct wire_resolved *answer);
};

/* Asks for WHAT, which is target AT of ASKER: he is told once. */
void resolve_look_up(struct queue *q, const struct target *what, size_t at, struct resolve_asker *asker);

/* ASKER is told no more. */
void resolve_forget(struct queue *q, const struct resolve_asker *asker);

/* Takes what the resolver says, until there is nothing. False: the link is broken and was closed. */
bool resolve_receive(struct queue *q);

/* Gives up requests whose time is over. */
void resolve_expire(struct queue *q);

/* When the next one's time is over; INT64_MAX = none. */
int64_t resolve_next(const struct queue *q);

void resolve_free(struct queue *q);

#endif
