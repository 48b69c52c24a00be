/* Paints a list: its heading and the rows around the selected one. */
#ifndef CTL_TOP_PAINT_LIST_H
#define CTL_TOP_PAINT_LIST_H

#include "ctl/top/canvas.h"
#include "ctl/top/picklist.h"

/* From LINE on, HEIGHT lines with the heading. FOCUS: it has the keys. EMPTY: what stands there without rows. */
void paint_list(struct canvas *canvas, struct picklist *list, size_t line, size_t height, bool focus,
		const char *empty);

/* The same without heading and selection: a text that is scrolled. */
void paint_text(struct canvas *canvas, struct picklist *list, size_t line, size_t height);

#endif
