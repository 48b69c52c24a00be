/* All metrics of a service in one text. */
#ifndef CTL_METRICS_RENDER_H
#define CTL_METRICS_RENDER_H

#include "ctl/metrics/exposition.h"
#include "ctl/metrics/scrape.h"

/* More than 256 servers with 100 next hops each need. */
enum { RENDER_MAX = 64 << 20 };

/*
 * Writes SCRAPE to TO, an empty buffer of RENDER_MAX octets; with WINDOWS also under the names of windows_exporter.
 * Sorts the next hops of SCRAPE. No system calls.
 */
void render(const struct scrape *scrape, enum exposition_format format, bool windows, struct str *to);

#endif
