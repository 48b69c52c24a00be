/* Which format a scraper wants (RFC 9110, 12.5.1). */
#ifndef CTL_EXPORTER_NEGOTIATE_H
#define CTL_EXPORTER_NEGOTIATE_H

#include "ctl/metrics/exposition.h"

/* ACCEPT: the value of the header field Accept; empty = there is none. OpenMetrics if it is named and not refused.
 * Pure. */
enum exposition_format negotiate(struct span accept);

#endif
