/*
 * The activity of workers: one slot a worker in memory shared by a parent and its workers, for `status` and for the
 * number of idle workers. A worker that was taken over may overwrite all of it: readers take text and states only,
 * bound every length, and keep pids and counts themselves.
 */
#ifndef COMMON_PROCESS_SCOREBOARD_H
#define COMMON_PROCESS_SCOREBOARD_H

#include "common/base/span.h"

enum scoreboard_state { SCOREBOARD_EMPTY, SCOREBOARD_STARTING, SCOREBOARD_IDLE, SCOREBOARD_BUSY };

enum { SCOREBOARD_TEXT_MAX = 104 };

struct scoreboard;

struct scoreboard *scoreboard_new(size_t slots); /* NULL with errno */
void scoreboard_free(struct scoreboard *b);      /* NULL is fine */

/* Worker (its own slot): sets its state, and its activity, such as the client's address (truncated). No system call. */
void scoreboard_set(struct scoreboard *b, size_t slot, enum scoreboard_state state, struct span doing,
		    int64_t since_wall_ms);

/* Worker: sets the name of the peer (truncated); "" after scoreboard_set. No system call. */
void scoreboard_name(struct scoreboard *b, size_t slot, struct span name);

/*
 * Worker: sets its progress, a number with a meaning of its own (0 after scoreboard_set), and the number of finished
 * parts. No system call.
 */
void scoreboard_progress(struct scoreboard *b, size_t slot, unsigned phase, uint64_t done, int64_t wall_ms);

/* Reader: a consistent copy. An unknown state reads as BUSY. */
struct scoreboard_entry {
	enum scoreboard_state state;
	char doing[SCOREBOARD_TEXT_MAX];
	char name[SCOREBOARD_TEXT_MAX];
	int64_t since_wall_ms;
	uint64_t served;
	unsigned phase;
	uint64_t done;
	int64_t progress_wall_ms;
};
void scoreboard_get(const struct scoreboard *b, size_t slot, struct scoreboard_entry *out);
void scoreboard_served(struct scoreboard *b, size_t slot); /* worker: one more served */

/*
 * Parent: asks SLOT to end its next work after SERVED others. Worker, in a signal handler too: whether that is its
 * current work. A request that comes too late has no effect.
 */
void scoreboard_ask_end(struct scoreboard *b, size_t slot, uint64_t served);
bool scoreboard_must_end(const struct scoreboard *b, size_t slot);

/* Parent: clears the slot of a worker that is gone. */
void scoreboard_reset(struct scoreboard *b, size_t slot);

/* Only the state. An unknown one reads as BUSY. */
enum scoreboard_state scoreboard_state(const struct scoreboard *b, size_t slot);

/* Counts slots of STATE among the first N. */
size_t scoreboard_count(const struct scoreboard *b, size_t n, enum scoreboard_state state);

/* Counts busy slots of PHASE among the first N. */
size_t scoreboard_count_phase(const struct scoreboard *b, size_t n, unsigned phase);

#endif
