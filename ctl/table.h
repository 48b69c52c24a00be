/* Prints rows of text in aligned columns. Cells are cleaned of control characters, which could command a terminal. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/base/arena.h"

enum { TABLE_COLUMNS_MAX = 12, TABLE_ROWS_MAX = 20000, TABLE_CELL_MAX = 2000 };

struct table {
	struct arena arena;
	size_t columns;
	unsigned right;                   /* bit i: column i is aligned to the right */
	size_t widths[TABLE_COLUMNS_MAX]; /* columns on the terminal */
	const char **cells;               /* rows * columns */
	size_t rows;
	size_t capacity;
	bool heading; /* the first row is the heading */
	bool utf8;    /* the terminal takes UTF-8; otherwise other octets than ASCII are shown as \xNN */
};

/* HEADINGS: one text a column, marked with N_(); NULL = no heading line. An empty one stays empty. */
void table_init(struct table *table, size_t columns, unsigned right, const char *const *headings);
void table_free(struct table *table);

/* Adds one cell a column. False: the table is full; say so below it. */
bool table_add(struct table *table, const struct span *cells);

/* Prints each line after INDENT blanks, without blanks at its end. */
void table_print(const struct table *table, unsigned indent, FILE *to);

/* Sorts the rows below the heading by their first column: for ids this is the order of arrival. */
void table_sort(struct table *table);

/* Formats octets in short, "14K"; TO holds TABLE_OCTETS_MAX. */
enum { TABLE_OCTETS_MAX = 32 };
struct span table_octets(struct span cell, char *to);

/* Formats a cell of seconds; "" for an empty one. TO holds CLOCK_TEXT_MAX. */
struct span table_duration(struct span cell, char *to);

#endif
