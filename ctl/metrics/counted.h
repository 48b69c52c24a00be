/* The counters and histograms of counters.def as metrics. */
#ifndef CTL_METRICS_COUNTED_H
#define CTL_METRICS_COUNTED_H

#include "ctl/metrics/exposition.h"
#include "ctl/metrics/scrape.h"

/* Writes all of them, for each server that has a page. */
void counted_write(const struct scrape *scrape, struct exposition *x);

#endif
