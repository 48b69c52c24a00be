/* Sockets: listeners, addresses as text, connecting with a deadline. Functions return a descriptor or 0, or -errno. */
#ifndef COMMON_HOST_NET_H
#define COMMON_HOST_NET_H

#include <sys/socket.h>

#include "common/host/config.h"

enum { NET_TEXT_MAX = 64 }; /* "[2001:db8::1]:25" with NUL */

/*
 * A listening TCP socket for WHERE: non-blocking, SO_REUSEADDR, TCP_NODELAY, large backlog. V6 says which of the two
 * sockets of "*" (V6ONLY always set, so 0.0.0.0 and :: stand side by side).
 */
int net_listen(const struct config_endpoint *where, bool v6);

/* Connects to IP:PORT within MS milliseconds; the socket blocks. -ETIMEDOUT, -ECONNREFUSED, ... */
int net_connect(const struct ipaddr *ip, uint16_t port, int64_t ms);

void net_address(const struct sockaddr_storage *from, struct ipaddr *ip, uint16_t *port);
void net_format(const struct ipaddr *ip, uint16_t port,
		char *to); /* NET_TEXT_MAX; "192.0.2.1:25", "[2001:db8::1]:25" */

#endif
