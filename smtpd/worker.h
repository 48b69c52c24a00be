/*
 * A forked process that accepts and serves one connection at a time, until it has served its jobs or is told to stop.
 */
#ifndef SMTPD_WORKER_H
#define SMTPD_WORKER_H

#include "common/ipc/fullness.h"
#include "common/process/prefork.h"
#include "common/recipients/known.h"
#include "common/spool/spool.h"
#include "smtpd/auth/auth.h"
#include "smtpd/auth/userbase.h"
#include "smtpd/live.h"
#include "smtpd/policy/clients.h"
#include "smtpd/policy/gateway.h"
#include "smtpd/policy/usage.h"
#include "smtpd/secure.h"
#include "smtpd/stress.h"

/* What a worker inherits from its parent. */
struct worker_context {
	struct prefork *pool;
	const int *listeners;
	size_t listener_count;
	const struct spool *spool;
	struct snapshot *snapshot;
	struct gateway *gateway;
	struct clients *clients;
	struct usage *usage;
	struct stress stress;
	const struct fullness *fullness;
	const struct secure *secure;
	struct live live;
	struct userbase users;
	struct known known;
	struct auth *auth; /* uses the accounts of `users` */
};

/* Serves clients; returns the exit status. SIGTERM ends it between two commands, SIGUSR1 between two sessions. */
int worker_run(struct worker_context *context, size_t slot);

#endif
