/*
 * The listening sockets of one virtual server: made once, before any child, and kept across restarts of smtpd, so that
 * no connection is refused while it comes back. Only our own closing frees the port.
 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include "common/host/config.h"

enum { LISTENERS_MAX = 128 }; /* 64 `listen` lines, "*" being two sockets */

struct listeners {
	int fds[LISTENERS_MAX];
	size_t n;
};

/*
 * Opens all of WHERE ("*" = one socket for IPv4, one for IPv6 where the machine has it), or none: false with WHY, of
 * SIZE octets, saying which line of the file, what is wrong and what to do. Harmless when they are open already.
 */
bool listeners_open(struct listeners *listeners, const struct config_endpoints *where, char *why, size_t size);
void listeners_close(struct listeners *listeners);

#endif
