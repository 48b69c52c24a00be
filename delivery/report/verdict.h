/*
 * Says what became of a job: journal lines (for what is final, when a journal came with the job), verdict packets to
 * the queue, and the line that a person reads. In this order: what the queue acts upon is in the journal by then.
 */
#ifndef DELIVERY_REPORT_VERDICT_H
#define DELIVERY_REPORT_VERDICT_H

#include "delivery/report/outcome.h"

struct verdict_job {
	int link;        /* verdicts link */
	uint32_t worker; /* who speaks */
	struct span id;
	struct span sender;
	int journal;           /* descriptor, opened for appending; -1 = none */
	bool connected;        /* the connection for the job's destination is still open */
	unsigned transactions; /* and what else an SMTP client met, as in wire.def */
	struct span reached, failed;
};

/*
 * Reports every run of OUTCOMES, which has no open recipient. Waits as long as the queue is away: a verdict that is
 * lost is a second delivery. Dies when the link is no more.
 */
void verdict_send(const struct verdict_job *job, const struct outcomes *outcomes);

/*
 * Reports that nothing could be tried: one packet, delayed, which ends the job. FIRST is any recipient of the job: the
 * queue knows the job by it.
 */
void verdict_send_none(const struct verdict_job *job, uint32_t first, const char *why);

/* What is said to the host of a job that is shown. What finds no room on the link is not worth waiting for. */
void verdict_show(const struct verdict_job *job, unsigned by, struct span text);

#endif
