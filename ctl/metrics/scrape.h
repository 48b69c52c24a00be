/*
 * What the service is like at this moment: the state that its processes report, and the pages in which they count. It
 * is asked through the control socket of master.
 */
#ifndef CTL_METRICS_SCRAPE_H
#define CTL_METRICS_SCRAPE_H

#include "common/ipc/counters.h"
#include "ctl/service.h"

struct scrape {
	struct service service;
	const struct counters *pages[SERVICE_SERVERS_MAX]; /* by server; NULL = not known, or of another version */
	int64_t wall_ms;                                   /* when it was asked */
};

/*
 * Asks the service of RUN_DIR. A process that does not answer leaves its facts out. False: master does not answer, with
 * the reason in SAID, which holds LINK_TEXT_MAX + 1. The caller frees *OUT in both cases.
 */
bool scrape_ask(const char *run_dir, struct scrape *out, char *said);
void scrape_free(struct scrape *scrape);

#endif
