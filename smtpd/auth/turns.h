/*
 * Places of which one process at a time has each: record locks on a memory file that all workers share. The kernel
 * keeps them, so a worker that is killed gives its place back, and one that was taken over can't scribble on them; all
 * it can do is to keep places for itself while it lives. Not for threads; a place is not inherited by fork.
 */
#ifndef SMTPD_AUTH_TURNS_H
#define SMTPD_AUTH_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TURNS_NONE = -1 };

/* Parent: the descriptor, or -errno. */
int turns_new(void);

/*
 * Takes one of the COUNT places from FIRST on, and waits for it up to WAIT_MS: in the order in which workers came, more
 * or less. TURNS_NONE: none has become free, or a signal that ends the process's work has come. Uses SIGALRM.
 */
int64_t turns_take(int fd, int64_t first, size_t count, int64_t wait_ms);

/* TURNS_NONE is fine. */
void turns_give(int fd, int64_t place);

#endif
