/*
 * A copy of a message in a drop folder, for what the queue's rename can't do: several folders, or another file system.
 * The copy has the envelope lines of this job's recipients only. It appears whole and durable under its final name, or
 * not at all; doing it twice gives one file.
 */
#ifndef DELIVERY_LOCAL_COPY_H
#define DELIVERY_LOCAL_COPY_H

#include "common/config/config.h"
#include "delivery/report/outcome.h"

struct copy_job {
	const struct config_server *server; /* whose folders may be written */
	struct span id;
	struct span folder; /* as in the configuration */
	int message;        /* descriptor of the message file */
	uint64_t size;      /* of the file */
	bool return_path;   /* the copy begins with this field, and has no other of that name in the first 64 KiB */
	const struct envelope *envelope;
};

/* Decides for all of OUTCOMES: delivered or delayed. */
void copy_deliver(const struct copy_job *job, struct outcomes *outcomes);

#endif
