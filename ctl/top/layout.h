/* Where the panes are on a screen. Pure. */
#ifndef CTL_TOP_LAYOUT_H
#define CTL_TOP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

enum pane { PANE_SERVERS, PANE_QUEUE, PANE_SESSIONS, PANES };

enum { LAYOUT_LINES_MIN = 10, LAYOUT_COLUMNS_MIN = 40 };

struct layout {
	bool fits; /* the screen is large enough */
	struct {
		size_t line;   /* of the heading */
		size_t height; /* with the heading; 2 at least */
	} panes[PANES];
};

/*
 * Divides a screen of LINES and COLUMNS, but for its first and last line. COUNTS: rows of each pane. What does not fit
 * is divided so that the pane FOCUS gets most.
 */
void layout_make(size_t lines, size_t columns, const size_t counts[PANES], enum pane focus, struct layout *out);

#endif
