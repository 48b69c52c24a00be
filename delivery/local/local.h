/* The jobs of the local role: copies into drop folders, and notices, which enter the spool like any message. */
#ifndef DELIVERY_LOCAL_LOCAL_H
#define DELIVERY_LOCAL_LOCAL_H

#include "common/config/config.h"
#include "common/ipc/wire.h"
#include "common/recipients/known.h"
#include "common/spool/spool.h"
#include "delivery/report/outcome.h"
#include "delivery/report/verdict.h"

struct local {
	const struct config_server *server;
	const struct spool *spool;
	const struct known *known;
	struct spool_file file; /* the notice being written; keeps its buffer */
	int arrivals;           /* arrivals link */
	struct str journal;     /* as read; kept between jobs */
};

/* SPOOL, SERVER, KNOWN (whose aliases notices follow): borrowed. ARRIVALS: the arrivals link. */
void local_open(struct local *local, const struct spool *spool, const struct config_server *server,
		const struct known *known, int arrivals);
void local_close(struct local *local);

/*
 * Sends the sender of a message a notice about those recipients in OUTCOMES (all open) whose state in the journal is
 * news: commits the notice, sends `arrived`, then decides `noticed` for them, `warned` for those that are only delayed
 * (delayed when the notice could not be written). Removes the others from *outcomes. False when the journal can't be
 * read or has no news: *why has the reason.
 */
bool local_notice(struct local *local, const struct wire_job_notice *job, int message, int journal,
		  const struct envelope *envelope, struct outcomes *outcomes, const char **why);

#endif
