/*
 * The workers of one pool (SMTP clients, or local delivery) as the queue sees them: which next hop each is connected
 * to, and which jobs it has. A worker has jobs of one destination at a time, two at most: the second follows the first
 * over the same connection. No I/O: the manager reads the links.
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
	bool errand;                        /* sends ETRN to `destination` instead of doing a job, until it is idle */
	bool leaving;                       /* takes no more jobs; may still report on those that it has */
	struct worker_list *on_destination; /* idle or busy of the destination; NULL = on neither */
	uint32_t number;
	int64_t idle_since;
	int fd;      /* job link; owned */
	void *watch; /* the manager's */
};

struct pool {
	struct destinations *destinations;
	struct worker_list fresh;     /* idle, not connected */
	struct worker_list connected; /* idle, connected; longest idle first */
	struct worker_list busy;      /* with jobs, leaving, or on an errand */
	size_t fresh_count, connected_count, busy_count;
	size_t jobs_out;                 /* at workers */
	struct destination_ring ring;    /* open destinations with jobs; the first is next */
	struct destination_ring blocked; /* destinations with jobs that are not open */
	size_t max, spare;
	size_t asked;                 /* count of the last want_workers on this link; 0 = none yet */
	int link;                     /* link to the parent of the pool, owned; -1 = none now */
	void *owner;                  /* the manager's */
	void (*unwatch)(void *watch); /* the manager's: before a link is closed; may be NULL */
	size_t unserved;              /* connections that more workers could open, as of the last dispatch */
};

void pool_init(struct pool *p, struct destinations *destinations, size_t spare, size_t max);
void pool_resize(struct pool *p, size_t spare, size_t max);
/* Frees all workers, whose jobs must have ended, and closes the link. */
void pool_free(struct pool *p);
size_t pool_count(const struct pool *p);

/* Adds an idle worker with job link FD, which is owned from now on. NULL without memory; FD is closed then. */
struct worker *pool_add(struct pool *p, uint32_t number, int fd, int64_t now_ms);

/* Removes and frees W: stops watching its link and closes it. Its jobs must have been released. */
void pool_remove(struct worker *w);

/* Moves job J from its destination to W. */
void pool_assign(struct worker *w, struct job *j);

/* Takes job J, which ended or was lost, from W. CONNECTED: W keeps its connection. */
void pool_release(struct worker *w, struct job *j, bool connected, int64_t now_ms);

/* W, which has no connection, sends ETRN to D. */
void pool_errand(struct worker *w, struct destination *d);

/* W takes no more jobs: it has shut its end of the link. */
void pool_leaving(struct worker *w);

/* No worker of P gets another job: idle workers are removed, the others are leaving. */
void pool_dismiss(struct pool *p);

/* W has closed its connection, or ended its errand. */
void pool_disconnected(struct worker *w);

/* Puts D on the ring or among the blocked of P, or on neither when no job waits there. */
void pool_update_ring(struct pool *p, struct destination *d, int64_t now_ms);

/* How many workers there should be. */
size_t pool_wanted(const struct pool *p);

/*
 * An idle worker to be removed: one beyond the spare ones that has been idle for 10 s, the longest idle first, or any
 * beyond the maximum. NULL = none.
 */
struct worker *pool_surplus(const struct pool *p, int64_t now_ms);

#endif
