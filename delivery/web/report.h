/* What an administrator should mend, for `mailrootctl status`. */
#ifndef DELIVERY_WEB_REPORT_H
#define DELIVERY_WEB_REPORT_H

#include "delivery/web/block.h"

/* Appends the problems of B, one a line, with place and remedy. */
void report_append(const struct block *b, struct str *to);

#endif
