/*
 * The workers of one pool (SMTP clients, or the local role) as the queue sees them: who is connected to which next hop,
 * who holds which jobs. No I/O: the links are the manager's. A worker holds jobs of one destination at a time, two at
 * most: one in hand, one that follows over the same connection.
 */
#ifndef QUEUE_MODEL_POOL_H
#define QUEUE_MODEL_POOL_H

#include "queue/model/destination.h"

struct worker {
	TAILQ_ENTRY(worker) place;          /* pool->fresh, connected or busy */
	TAILQ_ENTRY(worker) at_destination; /* destination->idle or busy, when on_destination */
	struct pool *pool;
	struct destination *destination; /* of its jobs or of its open connection; NULL = none. Counted. */
	struct job_list jobs;            /* in the order in which they were sent */
	size_t job_count;
	bool connected;                     /* its connection to `destination` is open */
	bool errand;                        /* does something for `destination` that is no job, until it is idle */
	bool leaving;                       /* takes no more jobs, but may report on those that it has */
	struct worker_list *on_destination; /* the list of the destination that it is on, or NULL */
	uint32_t number;
	int64_t idle_since;
	int fd;      /* job link; owned */
	void *watch; /* the manager's */
};

struct pool {
	struct destinations *destinations;
	struct worker_list fresh;     /* idle, not connected */
	struct worker_list connected; /* idle, connected; longest idle first */
	struct worker_list busy;      /* with jobs, or leaving */
	size_t fresh_count, connected_count, busy_count;
	size_t jobs_out;                 /* at workers */
	struct destination_ring ring;    /* destinations with jobs that are open, next first */
	struct destination_ring blocked; /* with jobs, but down or without known hosts */
	size_t max, spare;
	size_t asked;                 /* the last want_workers; 0 = none yet on this link */
	int link;                     /* to the parent of the pool, owned; -1 = none now */
	void *owner;                  /* the manager's */
	void (*unwatch)(void *watch); /* the manager's: before a link is closed; may be NULL */
	size_t unserved;              /* jobs that found no worker in the last round */
};

void pool_init(struct pool *p, struct destinations *destinations, size_t spare, size_t max);
void pool_resize(struct pool *p, size_t spare, size_t max);
void pool_free(struct pool *p); /* workers and link; their jobs must be gone */
size_t pool_count(const struct pool *p);

/* A new idle worker, which owns FD. NULL without memory (FD is closed). */
struct worker *pool_add(struct pool *p, uint32_t number, int fd, int64_t now_ms);

/* Takes the worker out and frees it, unwatching and closing its link. Its jobs must have been taken off. */
void pool_remove(struct worker *w);

/* Gives job J, which waits at its destination, to W, and takes a finished or lost one off. */
void pool_assign(struct worker *w, struct job *j);
void pool_release(struct worker *w, struct job *j, bool connected, int64_t now_ms);

/* W, which has no connection, was sent on an errand to D. */
void pool_errand(struct worker *w, struct destination *d);

/* The worker takes no more jobs: it has shut its end of the link. */
void pool_leaving(struct worker *w);

/* No worker of P takes another job: idle ones are removed, the others report on those that they have. */
void pool_dismiss(struct pool *p);

/* The worker's connection is closed. */
void pool_disconnected(struct worker *w);

/* Puts D on the ring or among the blocked, or takes it off when no job waits there. */
void pool_update_ring(struct pool *p, struct destination *d, int64_t now_ms);

/* How many workers there should be. */
size_t pool_wanted(const struct pool *p);

/* An idle worker beyond the spare ones that had nothing to do for 10 s, longest first, or any beyond the maximum; NULL
 * = none. */
struct worker *pool_surplus(const struct pool *p, int64_t now_ms);

#endif
