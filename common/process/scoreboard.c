#include "common/process/scoreboard.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct slot {
	int64_t since_wall_ms;
	_Atomic uint64_t served;
	_Atomic uint64_t end; /* 1 + the number of works served before the one that is to end; 0 = none */
	uint64_t done;
	int64_t progress_wall_ms;
	_Atomic unsigned phase;
	char doing[SCOREBOARD_TEXT_MAX];
	char name[SCOREBOARD_TEXT_MAX];
};

/* The states are adjacent, so that counting a thousand workers reads a kilobyte. */
struct scoreboard {
	size_t slots;
	size_t size;
	struct slot *shared;
	_Atomic uint8_t *states; /* after the slots, in the same mapping */
};

struct scoreboard *scoreboard_new(size_t slots)
{
	struct scoreboard *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->slots = slots;
	b->size = slots * (sizeof(struct slot) + sizeof(*b->states));
	b->shared = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->shared == MAP_FAILED) {
		free(b);
		return NULL;
	}
	b->states = (_Atomic uint8_t *)(b->shared + slots);
	return b;
}

void scoreboard_free(struct scoreboard *b)
{
	if (!b)
		return;
	munmap(b->shared, b->size);
	free(b);
}

static void copy_text(char *to, struct span text)
{
	size_t len = text.len < SCOREBOARD_TEXT_MAX ? text.len : SCOREBOARD_TEXT_MAX - 1;
	if (len)
		memcpy(to, text.at, len);
	memset(to + len, 0, SCOREBOARD_TEXT_MAX - len);
}

/* All stores and loads are sequentially consistent: two workers that turn busy at once must not both miss the other. */
void scoreboard_set(struct scoreboard *b, size_t slot, enum scoreboard_state state, struct span doing,
		    int64_t since_wall_ms)
{
	struct slot *to = &b->shared[slot];
	copy_text(to->doing, doing);
	copy_text(to->name, (struct span){NULL, 0});
	to->since_wall_ms = to->progress_wall_ms = since_wall_ms;
	atomic_store(&to->phase, 0);
	to->done = 0;
	atomic_store(&b->states[slot], (uint8_t)state);
}

void scoreboard_name(struct scoreboard *b, size_t slot, struct span name)
{
	copy_text(b->shared[slot].name, name);
}

void scoreboard_served(struct scoreboard *b, size_t slot)
{
	atomic_fetch_add(&b->shared[slot].served, 1);
}

void scoreboard_progress(struct scoreboard *b, size_t slot, unsigned phase, uint64_t done, int64_t wall_ms)
{
	struct slot *to = &b->shared[slot];
	atomic_store(&to->phase, phase);
	to->done = done;
	to->progress_wall_ms = wall_ms;
}

void scoreboard_ask_end(struct scoreboard *b, size_t slot, uint64_t served)
{
	atomic_store(&b->shared[slot].end, served + 1);
}

bool scoreboard_must_end(const struct scoreboard *b, size_t slot)
{
	return atomic_load(&b->shared[slot].end) == atomic_load(&b->shared[slot].served) + 1;
}

void scoreboard_reset(struct scoreboard *b, size_t slot)
{
	b->shared[slot] = (struct slot){0};
	atomic_store(&b->states[slot], SCOREBOARD_EMPTY);
}

enum scoreboard_state scoreboard_state(const struct scoreboard *b, size_t slot)
{
	uint8_t state = atomic_load(&b->states[slot]);
	return state <= SCOREBOARD_BUSY ? (enum scoreboard_state)state : SCOREBOARD_BUSY;
}

void scoreboard_get(const struct scoreboard *b, size_t slot, struct scoreboard_entry *out)
{
	const struct slot *from = &b->shared[slot];
	out->state = scoreboard_state(b, slot);
	out->since_wall_ms = from->since_wall_ms;
	out->served = atomic_load(&from->served);
	out->phase = atomic_load(&from->phase);
	out->done = from->done;
	out->progress_wall_ms = from->progress_wall_ms;
	memcpy(out->doing, from->doing, sizeof(out->doing));
	out->doing[sizeof(out->doing) - 1] = '\0';
	memcpy(out->name, from->name, sizeof(out->name));
	out->name[sizeof(out->name) - 1] = '\0';
}

size_t scoreboard_count(const struct scoreboard *b, size_t n, enum scoreboard_state state)
{
	size_t count = 0;
	if (n > b->slots)
		n = b->slots;
	for (size_t i = 0; i < n; i++)
		count += scoreboard_state(b, i) == state;
	return count;
}

size_t scoreboard_count_phase(const struct scoreboard *b, size_t n, unsigned phase)
{
	size_t count = 0;
	if (n > b->slots)
		n = b->slots;
	for (size_t i = 0; i < n; i++)
		count += scoreboard_state(b, i) == SCOREBOARD_BUSY && atomic_load(&b->shared[i].phase) == phase;
	return count;
}
