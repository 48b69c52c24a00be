/* Paints the model: which text stands where. Pure but for the scroll positions of the lists. */
#ifndef CTL_TOP_PAINT_H
#define CTL_TOP_PAINT_H

#include "ctl/top/canvas.h"
#include "ctl/top/model.h"

/* Paints MODEL at MONO_MS on CANVAS, an empty one of its size. */
void paint(struct model *model, int64_t mono_ms, struct canvas *canvas);

#endif
