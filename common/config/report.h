/*
 * Findings of the configuration's modules. They are collected, then written in file order: "file:line:column: error:
 * ...", the line, a caret. Findings beyond FINDINGS_MAX are only counted.
 */
#ifndef COMMON_CONFIG_REPORT_H
#define COMMON_CONFIG_REPORT_H

#include "common/config/config.h"

/* A whole text that was read, with a NUL at its end; owned by the tree. */
struct config_source {
	const char *name;
	struct span text;
	struct config_source *next;
};

/* A place in a source. TOKEN numbers all tokens in reading order, with included files at the place of their include. */
struct config_at {
	const struct config_source *source; /* NULL: the finding has no place */
	uint32_t offset;
	uint32_t line;
	uint32_t token;
};

enum { FINDINGS_MAX = 200 };

struct config_finding {
	struct config_at at;
	bool warning;
	char *text; /* owned */
};

struct config_findings {
	struct config_finding at[FINDINGS_MAX];
	size_t n;
	unsigned errors, warnings;
	bool no_memory;
	bool passing; /* see struct config_report; no_memory counts too */
};

void config_error(struct config_findings *f, struct config_at at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_warning(struct config_findings *f, struct config_at at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends all findings to *report in file order, and empties *f. */
void config_findings_flush(struct config_findings *f, struct config_report *report);

/* Finds the known name nearest to a word: offer all names, then read `name`. NULL = none is near. Case is ignored. */
struct config_nearest {
	struct span word;
	const char *name;
	size_t distance; /* of name */
};
void config_nearest_offer(struct config_nearest *nearest, const char *name);

#endif
