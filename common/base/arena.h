/*
 * Memory for one lifetime (a transaction, a configuration): many small allocations, one release. Bounded: an allocation
 * beyond the arena's limit returns NULL like one without memory. What it returns is zeroed, aligned for any type, and
 * owned by the arena.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include "common/base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;  /* octets handed out */
	size_t limit; /* octets at most */
	bool given;   /* the memory is the caller's, and there will be no other */
};

void arena_init(struct arena *a, size_t limit);

/* All memory is the SIZE octets at MEMORY (aligned for any type), which stay the caller's. */
void arena_init_in(struct arena *a, void *memory, size_t size);

/* Octets at the beginning of that memory that are in use. */
size_t arena_extent(const struct arena *a);

/* Frees everything; the arena is empty and usable again. */
void arena_free(struct arena *a);

/* Like arena_free, but keeps one block for the next use. */
void arena_reset(struct arena *a);

void *arena_alloc(struct arena *a, size_t size);
char *arena_copy(struct arena *a, struct span text); /* with a closing NUL */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
