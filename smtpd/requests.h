/*
 * Requests of mailrootctl to an smtpd parent: explain_relay, smtpd_status, smtpd_sessions, smtpd_kick. rows.h describes
 * rows and cells.
 */
#ifndef SMTPD_REQUESTS_H
#define SMTPD_REQUESTS_H

#include "common/config/config.h"
#include "common/process/prefork.h"
#include "smtpd/policy/gateway.h"

/* Answers one packet on LINK, which does not block. False: LINK is broken, and the caller closes it. */
bool requests_serve(int link, struct span packet, const struct config_server *server, struct prefork *pool,
		    const struct gateway *gateway);

#endif
