/* The configuration that an import makes, as a tree of lines and blocks, until it is written. Owns all text. */
#ifndef CTL_IMPORT_PLAN_H
#define CTL_IMPORT_PLAN_H

#include <stdarg.h>

#include "common/base/arena.h"
#include "common/base/str.h"

struct plan_node {
	const char *text;    /* of a line or, for a block, its word and name */
	const char *comment; /* NULL = none */
	bool off;            /* the line is written as a comment */
	bool block;
	struct plan_node *first, *last; /* in a block */
	struct plan_node *next;
};

struct plan {
	struct arena arena;
	struct plan_node root;
	bool no_memory;
};

void plan_init(struct plan *plan);
void plan_free(struct plan *plan);

/* Text in the plan's memory; "" without memory, which plan_write tells. */
const char *plan_text(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *plan_vtext(struct plan *plan, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Appends a line to a block. TEXT and COMMENT are borrowed. */
struct plan_node *plan_line(struct plan *plan, struct plan_node *in, const char *text, const char *comment);

/* The block TEXT in another one; it is made if it is not there. A block without lines is not written. */
struct plan_node *plan_block(struct plan *plan, struct plan_node *in, const char *text);

/* Whether the block has a line that is no comment. */
bool plan_is_set(const struct plan_node *block);

/* Appends the configuration to TO. False without memory. */
bool plan_write(const struct plan *plan, struct str *to);

#endif
