/* Sockets: listeners, addresses as text, connecting with a deadline. Functions return a descriptor or 0, or -errno. */
#ifndef COMMON_NET_NET_H
#define COMMON_NET_NET_H

#include <sys/socket.h>

#include "common/config/config.h"

enum { NET_TEXT_MAX = 64 }; /* "[2001:db8::1]:25" with NUL */

/*
 * Opens a listening TCP socket for WHERE: non-blocking, SO_REUSEADDR, TCP_NODELAY, large backlog. V6 selects one of the
 * two sockets of "*" (V6ONLY is always set, so 0.0.0.0 and :: can coexist).
 *
 * "*" and a single address of the same port can coexist, too; the kernel prefers the single address. BESIDE: the caller
 * owns the other one of the two. SO_REUSEPORT makes it possible; without BESIDE it is set only after bind, so that a
 * port that any other process has, even with SO_REUSEPORT, is -EADDRINUSE.
 */
int net_listen(const struct config_endpoint *where, bool v6, bool beside);

/*
 * Connects from the address SOURCE (NULL = any; -EADDRNOTAVAIL when it is not of this machine) to IP:PORT within MS
 * milliseconds; the socket blocks. -ETIMEDOUT, -ECONNREFUSED, ... If the peer's machine vanishes (no acknowledgement,
 * no answer to probes), reading and writing end with ETIMEDOUT after NET_GONE_MS.
 */
enum { NET_GONE_MS = 60 * 1000 };
int net_connect_from(const struct ipaddr *source, const struct ipaddr *ip, uint16_t port, int64_t ms);

/* Opens a datagram socket that receives only from IP:PORT; it blocks. */
int net_datagram(const struct ipaddr *ip, uint16_t port);

void net_address(const struct sockaddr_storage *from, struct ipaddr *ip, uint16_t *port);
void net_format(const struct ipaddr *ip, uint16_t port,
		char *to); /* NET_TEXT_MAX; "192.0.2.1:25", "[2001:db8::1]:25" */

#endif
