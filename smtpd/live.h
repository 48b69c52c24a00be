/*
 * The policy in force, in a process that serves: what it was forked with, until the parent publishes something newer
 * (doc/configuration.md, "Live policy"). All processes read the one copy that the parent has made.
 */
#ifndef SMTPD_LIVE_H
#define SMTPD_LIVE_H

#include "common/config/config.h"
#include "common/ipc/snapshot.h"

struct live {
	const struct snapshot *snapshot; /* NULL = the policy never changes */
	uint64_t generation;             /* of `server` */
	const struct config_server *server;
};

/* Returns the newest policy: an atomic load. A session calls this between two commands. */
const struct config_server *live_server(struct live *live);

/* Parent: publishes canonical TEXT, which describes one server, as the newest policy. False: SNAPSHOT is full. */
bool live_publish(struct snapshot *snapshot, struct span text);

#endif
