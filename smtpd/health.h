/*
 * The dialogue with a load balancer that speaks for itself (LOCAL, UNKNOWN): it asks whether this server is well.
 * Nothing is accepted in it, so the address of a load balancer never relays, and nothing is logged or counted.
 */
#ifndef SMTPD_HEALTH_H
#define SMTPD_HEALTH_H

#include "smtpd/serve.h"

/* What would make this server refuse mail now. NULL = nothing; constants for the reply. ARRIVALS: the link to the
 * queue. */
const char *health_trouble(const struct config_server *server, const struct store *store, int arrivals);

/*
 * Answers the check on FD, which blocks, and closes it. TROUBLE (health_trouble): the greeting is a 421 that names it.
 * STOP ends the wait for a command.
 */
void health_serve(int fd, const struct serve_tls *tls, const struct config_server *server, const char *trouble,
		  struct serve_stop *stop);

#endif
