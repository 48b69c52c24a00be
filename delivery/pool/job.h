/* The current job of a worker: its packet, its message, and the outcomes of its recipients. */
#ifndef DELIVERY_POOL_JOB_H
#define DELIVERY_POOL_JOB_H

#include "common/ipc/ipc.h"
#include "delivery/report/outcome.h"
#include "delivery/report/verdict.h"

struct job {
	struct verdict_job verdict;
	int message; /* descriptor, borrowed from the packet */
	struct envelope envelope;
	struct outcomes outcomes;
	struct arena arena; /* kept from job to job, like `head` */
	struct str head;    /* of the message file */
};

/* For the worker NUMBER. */
void job_init(struct job *job, uint32_t number);
void job_free(struct job *job);

/*
 * Opens the job of PACKET (descriptors: message, journal): reads the envelope, selects the recipients of the bitmap
 * RCPTS. A failure is reported, and false returned.
 */
bool job_open(struct job *job, const struct ipc_packet *packet, struct span id, struct span rcpts);

/* Reports that nothing could be tried, because of WHY. */
void job_give_back(const struct job *job, struct span rcpts, const char *why);

/* Reports the outcomes; all recipients are decided. */
void job_report(const struct job *job);

#endif
