/*
 * A connection that comes through a load balancer (listen ... proxy): the PROXY header in front of it, and whether the
 * peer may send one (proxy_list).
 */
#ifndef SMTPD_PROXIED_H
#define SMTPD_PROXIED_H

#include <signal.h>

#include "common/config/config.h"
#include "smtpd/policy/usage.h"
#include "smtpd/proxy/proxy_header.h"
#include "smtpd/session/session.h"

enum { PROXIED_WAIT_MS = 5000 }; /* for the whole header */

/* Whether PEER is in proxy_list. If not, the log says so once a minute for each peer (USAGE counts). */
bool proxied_permits(const struct ipaddr *peer, const struct config_server *server, struct usage *usage);

/*
 * Worker: reads the header from FD, which PEER has connected, and not an octet more. False: proxied_permits does not,
 * or the header is late, cut or wrong, which is logged likewise; FD is to be closed without a reply. The client is as
 * in naming_client. While it waits, *waiting_fd is FD: shutdown(FD, SHUT_RD) ends the wait.
 */
bool proxied_read(int fd, const struct ipaddr *peer, const struct config_server *server, struct usage *usage,
		  volatile sig_atomic_t *waiting_fd, struct proxy_header *header);

/* The ends of the connection between the client and the load balancer. */
struct session_ends proxied_ends(const struct proxy_header *header);

#endif
