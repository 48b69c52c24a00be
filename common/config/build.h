/* What the steps from tree to values share. */
#ifndef COMMON_CONFIG_BUILD_H
#define COMMON_CONFIG_BUILD_H

#include "common/config/limits.h"
#include "common/config/tree.h"
#include "common/config/value.h"

struct config_build {
	const struct config_tree *tree;
	const char *hostname; /* NULL: fqdn is in the text */
	struct config *out;
	struct config_findings *findings;
	struct config_item *items; /* of the setting being parsed */
	size_t item_count, item_room;
	const void **failed; /* members whose value could not be parsed and that hold the default */
	size_t failed_count, failed_room;
	const char **files; /* names of files, in the arena of *out */
	size_t file_count, file_room;
};

/* MEMBER's own value had an error, so that comparing it with others would only make noise. */
bool config_build_failed(const struct config_build *build, const void *member);

/* NODE's settings and inner blocks into BASE; NODE NULL = defaults. INHERITED: BASE holds what counts without a word.
 */
void config_build_block(struct config_build *build, enum config_block block, void *base, const struct config_node *node,
			bool inherited);

/* Where ORIGIN is written, or where SERVER is when that is a default. */
struct config_at config_build_at(const struct config_build *build, const struct config_server *server,
				 struct config_origin origin);

/* Word N of NODE as a value. */
struct config_item config_build_item(struct config_build *build, const struct config_node *node, size_t n);

/* Zeroed memory of the configuration, and a text in it. NULL: reported. */
void *config_build_allocate(struct config_build *build, size_t n, size_t size);
const char *config_build_print(struct config_build *build, const char *first, const char *middle, const char *last);

/* Frees what building needed; the configuration stays. */
void config_build_release(struct config_build *build);

/* Reports a statement that is not known in PARENT, or that has not the form of its block (build_statement.c). */
void config_statement_check(struct config_findings *findings, enum config_block parent, const struct config_node *node);

#endif
