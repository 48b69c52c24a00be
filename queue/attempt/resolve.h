/*
 * Requests to the resolver for the hosts of a destination. A request has a deadline; the link may close and come back
 * meanwhile. For the answers see resolved.h.
 */
#ifndef QUEUE_ATTEMPT_RESOLVE_H
#define QUEUE_ATTEMPT_RESOLVE_H

#include "queue/attempt/queue.h"

/* A look-up that is not for mail (explain.c). */
struct resolve_asker {
	void (*answered)(struct resolve_asker *asker, size_t target, enum target_state state,
			 const struct wire_resolved *answer);
};

/* A request without answer. */
struct resolve_request {
	TAILQ_ENTRY(resolve_request) place;
	UT_hash_handle hh;
	uint32_t serial;
	struct destination *destination; /* counted; NULL = the request is the asker's */
	struct resolve_asker *asker;
	const struct target *what; /* the target to look up */
	size_t target;             /* its number */
	int64_t deadline;
};
TAILQ_HEAD(resolve_list, resolve_request);

struct resolve {
	struct resolve_list list; /* the oldest first */
	struct resolve_request *by_serial;
	uint32_t last_serial;
};

/* Looks up the hosts of D, if it needs them now. Targets that need no look-up are known at once. */
void resolve_ask(struct queue *q, struct destination *d);

/*
 * Looks up target WHAT, number AT of ASKER, which is called once with the answer. WHAT must live until then, or until
 * resolve_forget.
 */
void resolve_look_up(struct queue *q, const struct target *what, size_t at, struct resolve_asker *asker);

/* Drops the requests of ASKER, which is not called any more. */
void resolve_forget(struct queue *q, const struct resolve_asker *asker);

/* The requests of Q, created when new. */
struct resolve *resolve_state(struct queue *q);

/* Frees R, which is answered or no longer needed. */
void resolve_end(struct queue *q, struct resolve_request *r);

/* FD is a new link to the resolver, owned from now on. Sends all requests without answer again. */
void resolve_attach(struct queue *q, int fd);

/* Closes the link. WHY goes to the log; NULL = the resolver has ended, which master logs. */
void resolve_drop_link(struct queue *q, const char *why);

/* The next deadline of a request; INT64_MAX = none. */
int64_t resolve_next(const struct queue *q);

void resolve_free(struct queue *q);

#endif
