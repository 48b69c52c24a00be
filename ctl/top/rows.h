/*
 * Rows of a list: what a pane or a page of the screen shows. A row has a key, by which it is found again in the next
 * reading, and cells for the columns. Texts are cleaned of control characters when they are painted (canvas.h).
 */
#ifndef CTL_TOP_ROWS_H
#define CTL_TOP_ROWS_H

#include "common/base/arena.h"
#include "ctl/top/columns.h"
#include "ctl/top/rates.h"

enum { ROWS_MAX = 20000 }; /* of all servers; the rest is counted */

struct row {
	const char *server;
	const char *name;  /* with `server` the key: a next hop, an id; "" = the server itself */
	const char *state; /* of a server, in the words of master; "" otherwise */
	const char *cells[COLUMNS_MAX];
	const char *notes;         /* more about it, a line each: for its page */
	const struct rates *rates; /* for the columns that are graphs; NULL = none */
	uint64_t weight;           /* the heaviest comes first */
	bool bad;                  /* something is wrong with it */
};

struct rows {
	struct arena arena; /* owns all texts */
	const struct columns *columns;
	struct row *at;
	size_t n, capacity;
	size_t left_out; /* rows beyond ROWS_MAX, or without memory */
};

void rows_init(struct rows *rows, const struct columns *columns);
void rows_free(struct rows *rows);

/* Adds ROW, whose texts are copied; NULL texts become "". */
void rows_add(struct rows *rows, const struct row *row);

/* The heaviest first; those of one weight by server and name. */
void rows_sort(struct rows *rows);

/* Whether a cell, or the server, of ROW contains TEXT, without case; "" fits every row. */
bool rows_fits(const struct row *row, const char *text);

/* Whether both have the same key. */
bool rows_same(const struct row *a, const struct row *b);

#endif
