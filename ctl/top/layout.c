#include "ctl/top/layout.h"

enum { HEADING = 1, AROUND = 2, PANE_MIN = HEADING + 1 };

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Lines that N rows need; an empty pane has a line that says so. */
static size_t wanted(size_t n)
{
	return HEADING + (n ? n : 1);
}

/* Servers are few, and may take a quarter of the screen; half with the focus. */
static size_t servers_height(size_t lines, size_t n, enum pane focus)
{
	size_t most = lines / (focus == PANE_SERVERS ? 2 : 4);
	size_t room = lines - 2 * PANE_MIN;
	return lesser(lesser(wanted(n), room), most > PANE_MIN ? most : PANE_MIN);
}

/* How many of LINES the queue gets, the sessions the rest. */
static size_t queue_height(size_t lines, const size_t counts[PANES], enum pane focus)
{
	size_t queue = wanted(counts[PANE_QUEUE]), sessions = wanted(counts[PANE_SESSIONS]);
	size_t part = focus == PANE_SESSIONS ? lines / 3 : focus == PANE_QUEUE ? lines - lines / 3 : lines / 2;
	if (queue <= part)
		part = queue;
	else if (sessions < lines - part)
		part = lines - sessions;
	part = lesser(part, queue);
	return part < PANE_MIN ? PANE_MIN : lesser(part, lines - PANE_MIN);
}

void layout_make(size_t lines, size_t columns, const size_t counts[PANES], enum pane focus, struct layout *out)
{
	*out = (struct layout){.fits = lines >= LAYOUT_LINES_MIN && columns >= LAYOUT_COLUMNS_MIN};
	if (!out->fits)
		return;
	size_t left = lines - AROUND;
	out->panes[PANE_SERVERS].height = servers_height(left, counts[PANE_SERVERS], focus);
	left -= out->panes[PANE_SERVERS].height;
	out->panes[PANE_QUEUE].height = queue_height(left, counts, focus);
	out->panes[PANE_SESSIONS].height = left - out->panes[PANE_QUEUE].height;
	size_t line = 1;
	for (enum pane pane = 0; pane < PANES; pane++) {
		out->panes[pane].line = line;
		line += out->panes[pane].height;
	}
}
