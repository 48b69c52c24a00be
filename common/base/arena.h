/*
 * Memory for one lifetime (a transaction, a configuration): many small allocations, one release. Beyond the arena's
 * limit an allocation returns NULL, as without memory. Allocations are zeroed, aligned for any type, and owned by the
 * arena.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include "common/base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;  /* octets handed out */
	size_t limit; /* octets at most */
	bool given;   /* the memory is the caller's, and can't grow */
};

void arena_init(struct arena *a, size_t limit);

/* Uses the SIZE octets at MEMORY (aligned for any type) as its only memory; they stay the caller's. */
void arena_init_in(struct arena *a, void *memory, size_t size);

/* Number of octets in use at the beginning of that memory. */
size_t arena_extent(const struct arena *a);

/* Frees everything; the arena is empty and can be used again. */
void arena_free(struct arena *a);

/* Like arena_free, but keeps one block for the next use. */
void arena_reset(struct arena *a);

void *arena_alloc(struct arena *a, size_t size);
char *arena_copy(struct arena *a, struct span text); /* with a closing NUL */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
