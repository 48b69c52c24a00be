/*
 * A parent and its pool of forked workers, used by smtpd and by delivery. The parent forks, counts and reaps; it never
 * serves. Workers run straight-line code in `work` and exit. pids and counts are the parent's own; only the state
 * IDLE/BUSY of a slot is read from the scoreboard. A worker that turns busy and finds too few idle ones left wakes the
 * parent: no wake-up per session. Workers get SIGTERM when the parent dies. SIGCHLD is blocked in the
 * parent and belongs to the pool; other children of the parent are left alone.
 */
#ifndef COMMON_PROCESS_PREFORK_H
#define COMMON_PROCESS_PREFORK_H

#include <sys/types.h>

#include "common/process/scoreboard.h"

struct prefork;

struct prefork_ops {
	/* In the parent, before a fork: make what the new worker of SLOT needs (a job link). False: no fork now. May be
	 * NULL. */
	bool (*prepare)(void *context, size_t slot);
	/* In the parent, after it: PID > 0 forked, or -1 fork failed: hand over or close what prepare made. May be
	 * NULL. */
	void (*forked)(void *context, size_t slot, pid_t pid);
	/* In the worker: serve; the return value is the exit status (0: replaced, no more to it). Never returns to the
	 * parent's loop. Begins with no signal blocked, SIGUSR2 ignored and no handlers but what was ignored. */
	int (*work)(void *context, size_t slot);
	/* In the parent, after the worker of SLOT is gone. May be NULL. */
	void (*gone)(void *context, size_t slot, int status);
	/* Workers may fork. Otherwise the kernel keeps them from it, unless they are root. */
	bool may_fork;
};

/* Workers at most MAX (slots); SPARE idle ones are kept, many more for SURPLUS_MS only. NULL with errno. */
enum { PREFORK_SURPLUS_MS = 10000 /* what a burst of short sessions leaves serves the next one */ };
struct prefork *prefork_new(const struct prefork_ops *ops, void *context, size_t spare, size_t max, int64_t surplus_ms);

/* Parent: kills what is left and releases everything. */
void prefork_free(struct prefork *p);

/* Changes the bounds; max can't grow beyond that of prefork_new. 0, 0 before SIGTERM: none is replaced any more. */
void prefork_resize(struct prefork *p, size_t spare, size_t max);

/* Delivery: workers wanted in all, instead of counting idle ones; 0 = count idle ones. */
void prefork_want(struct prefork *p, size_t workers);

/* The descriptor to poll for reading (SIGCHLD and pokes); then prefork_tend: reaps, forks up to the wanted number,
 * throttled (pace.h). Idle ones beyond SPARE + 5 for more than SURPLUS_MS get SIGUSR1, one a second. Returns
 * milliseconds until it wants to be called again, -1 = never. */
int prefork_fd(const struct prefork *p);
int prefork_tend(struct prefork *p);

/* Signals SIGNO to all workers (SIGTERM: finish and go; SIGUSR1: go when idle; SIGKILL). Those that were told to go
 * no longer count as idle, so prefork_tend forks their successors at once (within max). */
void prefork_signal(struct prefork *p, int signo);
size_t prefork_count(const struct prefork *p); /* alive */
size_t prefork_max(const struct prefork *p);
size_t prefork_slots(const struct prefork *p); /* MAX of prefork_new: slots are below it */
bool prefork_alive(const struct prefork *p, size_t slot);
struct scoreboard *prefork_scoreboard(struct prefork *p);

/* Parent: a number that no other worker of the service has had, whatever slot and pid it gets. */
uint64_t prefork_generation(const struct prefork *p, size_t slot);

/* Parent: asks the worker of SLOT by SIGUSR2 to end the work that it has in hand after SERVED others
 * (scoreboard_must_end), and no other. */
void prefork_end_work(struct prefork *p, size_t slot, uint64_t served);

/* Worker: state of its slot; wakes the parent when it turns busy and fewer than `spare` are idle. Busy again: a new
 * text. */
void prefork_idle(struct prefork *p, size_t slot);
void prefork_busy(struct prefork *p, size_t slot, struct span doing);

#endif
