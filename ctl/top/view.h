/* The terminal, by ncurses: it shows a canvas and reads keys. It sends what has changed only. */
#ifndef CTL_TOP_VIEW_H
#define CTL_TOP_VIEW_H

#include "ctl/top/canvas.h"

/*
 * Takes the terminal of standard input and output. False: there is none that can move its cursor, and nothing has
 * changed.
 */
bool view_open(void);
void view_close(void);

/* Whether it takes UTF-8. */
bool view_utf8(void);

void view_size(size_t *lines, size_t *columns);
void view_show(const struct canvas *canvas);

/* The next key that was pressed (keyboard.h); KEYBOARD_NONE = none now. */
unsigned view_key(void);

#endif
