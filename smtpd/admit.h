/* Whether a new connection is within the limits of `client` in the configuration. */
#ifndef SMTPD_ADMIT_H
#define SMTPD_ADMIT_H

#include "smtpd/serve.h"
#include "smtpd/worker.h"

/*
 * Worker: CLIENT has connected as FD, which counts for it in SLOT from now on (clients_leave when it is over). False:
 * the client is over a limit; FD is closed after a 421 that says which one, and the log says so once a minute.
 */
bool admit_client(struct worker_context *context, size_t slot, int fd, const struct serve_tls *tls,
		  const struct ipaddr *client);

#endif
