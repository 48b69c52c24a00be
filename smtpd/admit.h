/* Whether a new connection is within the limits of `client` in the configuration. */
#ifndef SMTPD_ADMIT_H
#define SMTPD_ADMIT_H

#include "smtpd/serve.h"
#include "smtpd/worker.h"

/*
 * Worker: CLIENT has connected, or XCLIENT has named it. The connection counts for it in SLOT from now on
 * (clients_leave when it is over). REPLY_NONE, or the 421 with our name as $1 and ABOUT (initialized, LIMIT_LINE) as
 * $2: the client is over a limit, and the log says so once a minute. A host in xclient_list has none, since it connects
 * for its clients.
 */
enum reply_id admit_client(struct worker_context *context, size_t slot, const struct ipaddr *client, struct str *about);

#endif
