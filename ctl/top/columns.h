/* The columns of a list, and how wide each is on a screen of a given width. Pure. */
#ifndef CTL_TOP_COLUMNS_H
#define CTL_TOP_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

enum { COLUMNS_MAX = 9, COLUMNS_GAP = 1 };

enum columns_kind { COLUMNS_TEXT, COLUMNS_NUMBER /* to the right */, COLUMNS_GRAPH_IN, COLUMNS_GRAPH_OUT };

struct column {
	const char *heading; /* marked with N_() */
	enum columns_kind kind;
	size_t least;  /* width, when the screen is narrow */
	size_t most;   /* width, when the screen is wide; 0 = as its widest cell */
	unsigned rank; /* on a narrow screen the column with the highest rank goes first; 0 = it stays */
};

struct columns {
	size_t n;
	struct column at[COLUMNS_MAX];
};

/*
 * Writes the width of each column to WIDTHS; 0 = there is no room for it. NEEDED is the widest cell of each, heading
 * included. A column gets what it needs, or less if the screen is narrow; what is left goes to those that take more
 * than they need.
 */
void columns_fit(const struct columns *columns, const size_t needed[COLUMNS_MAX], size_t width,
		 size_t widths[COLUMNS_MAX]);

#endif
