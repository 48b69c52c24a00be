/*
 * Copies a message to a drop folder when the queue's rename can't do it: for several folders, or another file system.
 * The copy has only the envelope lines of this job's recipients. It appears complete and durable under its final name,
 * or not at all; doing it twice makes one file.
 */
#ifndef DELIVERY_LOCAL_COPY_H
#define DELIVERY_LOCAL_COPY_H

#include "common/config/config.h"
#include "delivery/report/outcome.h"

struct copy_job {
	const struct config_server *server; /* the server whose folders may be written */
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
