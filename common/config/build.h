/* What the steps from the tree to the values share. */
#ifndef COMMON_CONFIG_BUILD_H
#define COMMON_CONFIG_BUILD_H

#include "common/config/limits.h"
#include "common/config/tree.h"
#include "common/config/value.h"

struct config_build {
	const struct config_tree *tree;
	const char *hostname; /* name of the machine; NULL: fqdn is in the text */
	struct config *out;
	struct config_findings *findings;
	struct config_item *items; /* of the setting being parsed */
	size_t item_count, item_room;
	const void **failed; /* members whose value could not be parsed and that hold the default */
	size_t failed_count, failed_room;
	const char **files; /* names of files, in the arena of *out */
	size_t file_count, file_room;
};

/* True if the value of MEMBER had an error. Then it must not be compared with others, which would give further errors.
 */
bool config_build_failed(const struct config_build *build, const void *member);

/* Builds the settings and inner blocks of NODE in BASE. NODE NULL = defaults. INHERITED: BASE has the defaults. */
void config_build_block(struct config_build *build, enum config_block block, void *base, const struct config_node *node,
			bool inherited);

/* The place of ORIGIN in the text, or the place of SERVER if ORIGIN is a default. */
struct config_at config_build_at(const struct config_build *build, const struct config_server *server,
				 struct config_origin origin);

/* Word N of NODE as a value. */
struct config_item config_build_item(struct config_build *build, const struct config_node *node, size_t n);

/* Zeroed memory, and a text, that live as long as the configuration. NULL: the lack of memory was reported. */
void *config_build_allocate(struct config_build *build, size_t n, size_t size);
const char *config_build_print(struct config_build *build, const char *first, const char *middle, const char *last);

/* Frees what only the build needs. The configuration remains. */
void config_build_release(struct config_build *build);

/* Reports a statement that is unknown in PARENT or that has the wrong form for its block (build_statement.c). */
void config_statement_check(struct config_findings *findings, enum config_block parent, const struct config_node *node);

#endif
