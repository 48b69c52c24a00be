/*
 * Questions that wait for their answers. Each brings the socket for its answer, each process has one at a time, the
 * newest, and their number is bounded. The caller begins and ends the look-ups.
 */
#ifndef DELIVERY_RESOLVER_WAITERS_H
#define DELIVERY_RESOLVER_WAITERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

/* The first member of each question. */
struct waiter {
	TAILQ_ENTRY(waiter) entry;
	pid_t pid;        /* of the process that made the socket, according to the kernel */
	int reply_fd;     /* owned */
	int64_t deadline; /* clock_mono_ms */
};

struct waiters {
	TAILQ_HEAD(, waiter) all; /* oldest first, so the first has the next deadline */
	size_t count, max;
	int64_t patience_ms;
	void (*cancel)(struct waiter *waiter); /* ends the look-ups of a question */
};

/* MAX questions, each of which has PATIENCE_MS. */
void waiters_init(struct waiters *w, size_t max, int64_t patience_ms, void (*cancel)(struct waiter *waiter));
void waiters_free(struct waiters *w);

/*
 * A new question of SIZE octets, zero after the waiter; *FD is taken. It displaces an older one of the same process: a
 * worker serves one client at a time, so it no longer waits for that. NULL, and *FD is left: there is no room, no
 * memory, or the process is not known.
 */
void *waiters_add(struct waiters *w, size_t size, int *fd);

/* Cancels and frees a question. */
void waiters_drop(struct waiters *w, struct waiter *waiter);

/* Milliseconds until the next deadline, -1 = none. */
int64_t waiters_until(const struct waiters *w);

/* A question whose deadline is over, NULL = none. */
struct waiter *waiters_overdue(const struct waiters *w);

#endif
