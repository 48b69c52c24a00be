/* Rows that are lines of a text, wrapped for a screen. */
#ifndef CTL_TOP_TEXT_H
#define CTL_TOP_TEXT_H

#include "ctl/top/rows.h"

extern const struct columns text_columns;

/* Adds TEXT, which may have several lines, as rows of WIDTH columns at most; what goes on is indented. */
void text_add(struct rows *rows, size_t width, struct span text);
void text_printf(struct rows *rows, size_t width, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
