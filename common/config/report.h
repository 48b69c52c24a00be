/*
 * Findings of the configuration's modules, collected and then written in file order: "file:line:column: error: ...",
 * the line, a caret. Bounded: what comes after the first FINDINGS_MAX is counted only.
 */
#ifndef COMMON_CONFIG_REPORT_H
#define COMMON_CONFIG_REPORT_H

#include "common/config/config.h"

/* A text that was read, whole, with a closing NUL; owned by the tree. */
struct config_source {
	const char *name;
	struct span text;
	struct config_source *next;
};

/* A place in it. TOKEN numbers all tokens in the order in which they were read, includes in their place. */
struct config_at {
	const struct config_source *source; /* NULL: the finding belongs to no place */
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
	bool passing; /* see struct config_report; no_memory counts, too */
};

void config_error(struct config_findings *f, struct config_at at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_warning(struct config_findings *f, struct config_at at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends everything to *report in file order, and forgets it. */
void config_findings_flush(struct config_findings *f, struct config_report *report);

/* The known name nearest to a word: offer all, then look at `name`, NULL when none is near. Case does not count. */
struct config_nearest {
	struct span word;
	const char *name;
	size_t distance; /* of name */
};
void config_nearest_offer(struct config_nearest *nearest, const char *name);

#endif
