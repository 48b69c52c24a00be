/*
 * The policy in force, in a process that serves: what it was forked with, until the parent publishes something newer;
 * then a copy of its own (DESIGN section 2 "Live policy").
 */
#ifndef SMTPD_LIVE_H
#define SMTPD_LIVE_H

#include "common/host/config.h"
#include "common/host/snapshot.h"

struct live {
	const struct snapshot *snapshot; /* NULL = never changes */
	uint64_t generation;             /* of `server` */
	const struct config_server *server;
	struct config *own; /* what `server` is in, when this process parsed it */
};

/*
 * The newest policy. An atomic load when nothing has changed. What an earlier call returned may be gone afterwards, so
 * call it only between two commands.
 */
const struct config_server *live_server(struct live *live);
void live_free(struct live *live);

#endif
