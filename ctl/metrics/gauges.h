/* The present state of the service as metrics: servers, processes, sessions, queues, next hops. */
#ifndef CTL_METRICS_GAUGES_H
#define CTL_METRICS_GAUGES_H

#include "ctl/metrics/exposition.h"
#include "ctl/metrics/scrape.h"

/* Writes all of them. What a process did not answer is left out. */
void gauges_write(const struct scrape *scrape, struct exposition *x);

#endif
