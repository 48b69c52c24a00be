/*
 * The metrics of the Windows service under the names that windows_exporter gives them (windows_smtp_*, label `site`),
 * so that its dashboards and alerts go on.
 */
#ifndef CTL_METRICS_WINDOWS_H
#define CTL_METRICS_WINDOWS_H

#include "ctl/metrics/exposition.h"
#include "ctl/metrics/scrape.h"

enum { WINDOWS_SUM_MAX = 4 };

/* Writes all of them, for each server that has counters. */
void windows_write(const struct scrape *scrape, struct exposition *x);

#endif
