/*
 * Reports the results of a job: journal lines (for final outcomes, when a journal came with the job), then verdict
 * packets to the queue, then the log line. In this order: the journal has everything that the queue acts upon.
 */
#ifndef DELIVERY_REPORT_VERDICT_H
#define DELIVERY_REPORT_VERDICT_H

#include "delivery/report/outcome.h"

struct verdict_job {
	int link;        /* verdicts link */
	uint32_t worker; /* the reporting worker */
	struct span id;
	struct span sender;
	int journal;           /* descriptor, opened for appending; -1 = none */
	bool connected;        /* the connection for the job's destination is still open */
	unsigned transactions; /* other facts of the SMTP client, as in wire.def */
	struct span reached, failed;
	struct span dkim; /* domain and selectors of the signatures; empty = not signed */
};

/*
 * Reports every run of OUTCOMES, which has no open recipient. Waits while the queue is away, because a lost verdict
 * means a second delivery. Ends the process when the link is gone.
 */
void verdict_send(const struct verdict_job *job, const struct outcomes *outcomes);

/*
 * Reports that nothing could be tried: one packet, delayed, which ends the job. FIRST is any recipient of the job, by
 * which the queue identifies it.
 */
void verdict_send_none(const struct verdict_job *job, uint32_t first, const char *why);

/* Shows the observer of a job one line of the dialogue. Dropped when the link is full. */
void verdict_show(const struct verdict_job *job, unsigned by, struct span text);

#endif
