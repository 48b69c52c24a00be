/* Text in lines, for comments, reports and documents. */
#ifndef CTL_IMPORT_WRAP_H
#define CTL_IMPORT_WRAP_H

#include "common/base/str.h"

enum { WRAP_COLUMNS = 100 };

/*
 * Appends TEXT in lines of WRAP_COLUMNS at most, broken between words (or behind 、 and 。), and a line end. Its
 * first line goes on at COLUMN; each further line begins with BEGIN.
 */
void wrap_text(struct str *to, const char *text, size_t column, const char *begin);

#endif
