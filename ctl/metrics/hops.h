/* Next hops as metrics. Each is a time series, so only the busiest of a server have a name, and the rest is summed up.
 */
#ifndef CTL_METRICS_HOPS_H
#define CTL_METRICS_HOPS_H

#include "ctl/metrics/exposition.h"
#include "ctl/service.h"

enum { HOPS_NAMED_MAX = 100 }; /* of a server; the others are hop="other" */

void hops_write(const struct service *service, struct exposition *x);

#endif
