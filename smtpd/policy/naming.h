/*
 * Hosts that may say who the client is: load balancers (proxy_list), and hosts in xclient_list. Pure. Everything that
 * is decided about a client is decided about the one that was named.
 */
#ifndef SMTPD_POLICY_NAMING_H
#define SMTPD_POLICY_NAMING_H

#include "common/config/config.h"

/* Whether LIST, of addresses and networks, has HOST. */
bool naming_permits(const struct config_clients *list, const struct ipaddr *host);

/*
 * The client that HOST names as NAMED. A loopback address is one of HOST's machine, not of this one: the client is HOST
 * then. Otherwise a client of that machine would be this machine, which may relay.
 */
struct ipaddr naming_client(const struct ipaddr *named, const struct ipaddr *host);

#endif
