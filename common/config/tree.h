/*
 * The configuration as a tree of statements: words and, for blocks, the statements in them. This module knows the
 * grammar and includes, but not the meaning of settings.
 */
#ifndef COMMON_CONFIG_TREE_H
#define COMMON_CONFIG_TREE_H

#include "common/config/report.h"

enum {
	CONFIG_TEXT_MAX = 4 << 20,       /* octets of a file, and of all files together, which master keeps in memory */
	CONFIG_CANONICAL_MAX = 16 << 20, /* octets of a canonical text, which has origins and quotes too */
	CONFIG_FILES_MAX = 1000,         /* files of one configuration */
	CONFIG_INCLUDE_DEPTH = 16,
	CONFIG_BLOCK_DEPTH = 8 /* blocks in blocks; the settings need 3 */
};

struct config_word {
	struct span text;
	uint32_t offset;
};

struct config_node {
	const struct config_source *source;
	uint32_t line;
	uint32_t token; /* number of the first word; the others follow */
	struct config_word *words;
	size_t word_count; /* 0 only in the root */
	bool block;
	struct config_node *first, *last; /* statements of a block */
	struct config_node *next;
};

struct config_tree {
	struct arena arena;
	struct config_source *sources; /* the last read one first */
	struct config_node root;
	bool complete; /* the first file, or the text, was read */
};

/* The place of word N of NODE; for the root, the beginning of the first file. */
struct config_at config_word_at(const struct config_node *node, size_t n);

/* The place of the token of ORIGIN; the beginning of the first file if the tree has no such token. */
struct config_at config_origin_at(const struct config_tree *tree, struct config_origin origin);

/* The first word of NODE; and whether it is NAME, in any case. */
struct span config_node_name(const struct config_node *node);
bool config_node_is(const struct config_node *node, const char *name);

/* The tree of a canonical text. It has findings only if config_tree_write did not make the text. */
struct config_tree *config_read_canonical(struct span text, struct config_findings *findings);

#endif
