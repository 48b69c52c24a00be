#include "common/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 8192, ALIGNMENT = _Alignof(max_align_t) };

struct arena_block {
	struct arena_block *next;
	size_t size; /* of data */
	size_t used;
	_Alignas(max_align_t) char data[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){.limit = limit};
}

void arena_init_in(struct arena *a, void *memory, size_t size)
{
	struct arena_block *block = memory;
	*a = (struct arena){.given = true};
	if (size <= sizeof(*block))
		return;
	*block = (struct arena_block){.size = size - sizeof(*block)};
	a->blocks = block;
	a->limit = block->size;
}

size_t arena_extent(const struct arena *a)
{
	return a->blocks ? sizeof(*a->blocks) + a->blocks->used : 0;
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
}

void arena_free(struct arena *a)
{
	if (!a->given)
		free_blocks(a->blocks);
	arena_init(a, a->given ? 0 : a->limit);
}

void arena_reset(struct arena *a)
{
	a->used = 0;
	if (!a->blocks)
		return;
	free_blocks(a->blocks->next);
	a->blocks->next = NULL;
	a->blocks->used = 0;
	if (a->blocks->size > BLOCK_SIZE && !a->given)
		arena_free(a);
}

static struct arena_block *add_block(struct arena *a, size_t size)
{
	if (a->given)
		return NULL;
	if (size < BLOCK_SIZE)
		size = BLOCK_SIZE;
	struct arena_block *block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	*block = (struct arena_block){.next = a->blocks, .size = size};
	a->blocks = block;
	return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > a->limit - a->used)
		return NULL;
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (rounded < size || rounded > SIZE_MAX - sizeof(struct arena_block))
		return NULL;
	struct arena_block *block = a->blocks;
	if (!block || block->size - block->used < rounded)
		block = add_block(a, rounded);
	if (!block)
		return NULL;
	void *at = block->data + block->used;
	block->used += rounded;
	a->used += size;
	return memset(at, 0, size);
}

char *arena_copy(struct arena *a, struct span text)
{
	char *to = text.len < SIZE_MAX ? arena_alloc(a, text.len + 1) : NULL;
	if (to && text.len)
		memcpy(to, text.at, text.len);
	return to;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	va_list again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	char *to = len >= 0 ? arena_alloc(a, (size_t)len + 1) : NULL;
	if (to)
		vsnprintf(to, (size_t)len + 1, format, again);
	va_end(again);
	va_end(args);
	return to;
}
