/*
 * Requests of mailrootctl to an smtpd parent: explain_relay, smtpd_status, smtpd_sessions, smtpd_clients, smtpd_kick.
 * rows.h describes rows and cells.
 */
#ifndef SMTPD_REQUESTS_H
#define SMTPD_REQUESTS_H

#include "common/config/config.h"
#include "common/process/prefork.h"
#include "common/recipients/known.h"
#include "common/tls/attention.h"
#include "smtpd/policy/clients.h"
#include "smtpd/policy/gateway.h"
#include "smtpd/policy/usage.h"

/* What workers count, the lists of recipients that they see, and the certificates. */
struct requests_counts {
	const struct gateway *gateway;
	const struct clients *clients;
	const struct usage *usage;
	const struct known *known;
	const struct attention *attention; /* has the certificates */
};

/*
 * Answers one packet on FD, which does not block and is LINK: WIRE_LINK_ctl_smtpd, or WIRE_LINK_status_smtpd. False: FD
 * is broken, or the packet is not permitted there, and the caller closes it.
 */
bool requests_serve(int fd, enum wire_link link, struct span packet, const struct config_server *server,
		    struct prefork *pool, const struct requests_counts *counts);

#endif
