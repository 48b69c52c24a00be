/*
 * Counting semaphores that forked workers share: record locks on a memory file. Each slot is one lock. The kernel
 * releases the slot of a worker that is killed. A worker that was taken over can hold slots while it lives, and can't
 * corrupt anything. Not for threads; fork does not inherit a slot.
 */
#ifndef SMTPD_AUTH_SEMAPHORE_H
#define SMTPD_AUTH_SEMAPHORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEMAPHORE_NONE = -1 };

/* Parent: returns the descriptor, or -errno. */
int semaphore_new(void);

/*
 * Acquires one of the COUNT slots from FIRST on, and waits for it up to WAIT_MS, roughly in the order of arrival.
 * SEMAPHORE_NONE: none became free, or a signal that ends the process has come. Uses SIGALRM.
 */
int64_t semaphore_acquire(int fd, int64_t first, size_t count, int64_t wait_ms);

/* SEMAPHORE_NONE is permitted. */
void semaphore_release(int fd, int64_t place);

#endif
