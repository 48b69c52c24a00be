/* A pool with the test as the parent; its workers do what the test orders in shared memory. */
#ifndef T_UNIT_PREFORK_FIXTURE_H
#define T_UNIT_PREFORK_FIXTURE_H

#include <check.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log_level.h"
#include "common/process/prefork.h"
#include "t/unit/suite.h"

enum { MAX = 64, PATIENCE_MS = 20000, SURPLUS_MS = 1000 };

/* The orders to workers, and their reports. */
enum order { STAY_IDLE, TURN_BUSY, END_WELL };
struct shared {
	_Atomic enum order order[MAX];
	_Atomic int started;
	_Atomic int answer;
};

static struct shared *shared;
static struct prefork *p;
static struct {
	int prepared, forked, failed, gone;
	bool refuse;
	pid_t pids[MAX];
	int last_status;
} parent;

static inline bool prepare(void *context, size_t slot)
{
	ck_assert_ptr_eq(context, &parent);
	ck_assert(!prefork_alive(p, slot));
	parent.prepared++;
	return !parent.refuse;
}

static inline void forked(void *context, size_t slot, pid_t pid)
{
	(void)context;
	parent.pids[slot] = pid;
	parent.forked += pid > 0;
	parent.failed += pid < 0;
}

static inline void gone(void *context, size_t slot, int status)
{
	(void)context;
	ck_assert(!prefork_alive(p, slot));
	parent.gone++;
	parent.last_status = status;
	parent.pids[slot] = 0;
}

static inline int follow_orders(void *context, size_t slot)
{
	(void)context;
	shared->started++;
	for (enum order last = END_WELL;; usleep(1000)) {
		enum order order = shared->order[slot];
		if (order == END_WELL)
			return 0;
		if (order == STAY_IDLE && order != last)
			prefork_idle(p, slot);
		if (order == TURN_BUSY && order != last)
			prefork_busy(p, slot, SPAN("[192.0.2.7] DATA"));
		last = order;
	}
}

static const struct prefork_ops obedient = {prepare, forked, follow_orders, gone, false};

static inline void fixture_open(void)
{
	log_open("test", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	memset(&parent, 0, sizeof(parent));
	p = NULL;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

static inline void fixture_close(void)
{
	if (p)
		prefork_free(p);
	munmap(shared, sizeof(*shared));
}

static inline void start(const struct prefork_ops *ops, size_t spare, size_t max)
{
	p = prefork_new(ops, &parent, spare, max, SURPLUS_MS);
	ck_assert_ptr_nonnull(p);
}

static inline size_t in_state(enum scoreboard_state state)
{
	return scoreboard_count(prefork_scoreboard(p), MAX, state);
}

static inline size_t idle(void)
{
	return in_state(SCOREBOARD_IDLE);
}

static inline bool poked(int ms)
{
	struct pollfd fd = {.fd = prefork_fd(p), .events = POLLIN};
	return poll(&fd, 1, ms) > 0;
}

/* A round of the parent's loop as in programs, but with a short wait. */
static inline void tend_once(void)
{
	int wait = prefork_tend(p);
	poked(wait < 0 || wait > 5 ? 5 : wait);
}

#define TEND_UNTIL(condition)                                                                                          \
	for (int64_t end = clock_mono_ms() + PATIENCE_MS; !(condition); tend_once())                                   \
	ck_assert_msg(clock_mono_ms() < end, "never: " #condition)

#define WAIT_UNTIL(condition)                                                                                          \
	for (int64_t end = clock_mono_ms() + PATIENCE_MS; !(condition); usleep(1000))                                  \
	ck_assert_msg(clock_mono_ms() < end, "never: " #condition)

#endif
