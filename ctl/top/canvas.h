/*
 * A screen that is being made: runs of text at their places. No text can leave its place or command the terminal: it is
 * cut to its width, and control characters, invalid UTF-8 and changes of direction are shown as \xNN. Pure; view.h puts
 * a canvas on the terminal.
 */
#ifndef CTL_TOP_CANVAS_H
#define CTL_TOP_CANVAS_H

#include "common/base/arena.h"

enum canvas_style { CANVAS_PLAIN, CANVAS_STRONG, CANVAS_BAD, CANVAS_HEADING, CANVAS_FOCUS, CANVAS_SELECTED };
enum canvas_align { CANVAS_LEFT, CANVAS_RIGHT };

struct canvas_run {
	size_t line, column;
	enum canvas_style style;
	const char *text;
};

struct canvas {
	size_t lines, columns;
	bool utf8;           /* the terminal takes UTF-8; otherwise other octets than ASCII are shown as \xNN */
	size_t line, column; /* where the next text begins */
	struct arena arena;
	struct canvas_run *runs; /* in the order in which they were put */
	size_t n, capacity;
};

/* An empty canvas. Without memory texts are left out. */
void canvas_init(struct canvas *canvas, size_t lines, size_t columns, bool utf8);
void canvas_free(struct canvas *canvas);

/* The next text begins at COLUMN of LINE. */
void canvas_at(struct canvas *canvas, size_t line, size_t column);

/* Puts TEXT into WIDTH columns, filled with blanks, and moves behind them. A text that is cut ends with a mark. */
void canvas_put(struct canvas *canvas, enum canvas_style style, enum canvas_align align, size_t width,
		struct span text);

/* Puts TEXT into the rest of the line. */
void canvas_rest(struct canvas *canvas, enum canvas_style style, struct span text);

/* How much of TEXT, in octets, fits into WIDTH columns. */
size_t canvas_fit(struct span text, size_t width);

#endif
