/*
 * What an import tells a person: what became of each property, and what is left to do. Rows and to-dos are kept in the
 * order in which they were added. All text is cleaned and copied, except for the heading PART, which is borrowed.
 */
#ifndef CTL_IMPORT_REPORT_H
#define CTL_IMPORT_REPORT_H

#include <stdarg.h>

#include "common/base/arena.h"
#include "common/base/str.h"
#include "ctl/import/metabase.h"

enum report_outcome {
	REPORT_TAKEN,
	REPORT_CHANGED, /* taken with another value */
	REPORT_DOUBT,   /* read in the stricter way, or given up: a person has to look */
	REPORT_NOT,     /* not taken, for a reason */
	REPORT_UNKNOWN,
	REPORT_OUTCOME_COUNT
};

enum { REPORT_VALUE_MAX = 2000 };

struct report_row {
	const char *part; /* heading under which the row stands */
	enum report_outcome outcome;
	const char *property, *value, *location;
	unsigned long line;
	const char *text;
	struct report_row *next;
};

struct report_todo {
	const char *text;
	struct report_todo *next;
};

struct report {
	struct arena arena;
	struct report_row *rows, *last_row;
	struct report_todo *todos, *last_todo;
	unsigned counts[REPORT_OUTCOME_COUNT];
	unsigned todo_count;
	bool no_memory;
};

void report_init(struct report *report);
void report_free(struct report *report);

/*
 * Adds a row about PROPERTY of KEY under the heading PART, whose rows are added one after the other. VALUE is what is
 * shown of its value.
 */
void report_add(struct report *report, const char *part, enum report_outcome outcome, const struct metabase_key *key,
		const struct metabase_property *property, const char *value, const char *text);

/* Adds a thing to do, unless the same is there. */
void report_todo(struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends the list of things to do, or the whole report, to TO. */
void report_write_todos(const struct report *report, struct str *to);
bool report_write(const struct report *report, const char *file, struct str *to);

#endif
