/* A small graph of the last minute, one line high. Pure. */
#ifndef CTL_TOP_GRAPH_H
#define CTL_TOP_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/top/rates.h"

enum { GRAPH_WIDTH_MAX = RATES_SECONDS, GRAPH_TEXT_MAX = GRAPH_WIDTH_MAX * 3 + 1 };

/*
 * Writes WIDTH columns, the present at the right: the last N seconds of a minute, in block elements of Unicode, or in
 * ASCII without UTF8. Each column shows the highest of its seconds, and the highest of all reaches the top; a blank is
 * not known. TO holds GRAPH_TEXT_MAX.
 */
void graph_draw(const uint32_t *points, size_t n, size_t width, bool utf8, char *to);

#endif
