/*
 * The listening sockets of one virtual server: made once, before any child, and kept across restarts of smtpd, so that
 * no connection is refused while it comes back. Only our own closing frees the port.
 *
 * "*" is every address that nobody else claims: it may stand beside single addresses of the same port, of this or of
 * other virtual servers. So they know each other, through a `listeners_all` that all share.
 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include "common/host/config.h"

enum {
	LISTENERS_MAX = 128, /* 64 `listen` lines, "*" being two sockets */
	LISTENERS_OWNERS_MAX = 256
};

struct listeners;

struct listeners_all {
	const struct listeners *of[LISTENERS_OWNERS_MAX];
	size_t n;
};

struct listeners {
	struct listeners_all *all;
	int fds[LISTENERS_MAX];
	size_t n;
	int left[LISTENERS_MAX]; /* no longer wanted, still open: see listeners_open */
	size_t left_count;
};

/* Empty, and known to ALL until listeners_free. False when ALL is full. */
bool listeners_init(struct listeners *listeners, struct listeners_all *all);
void listeners_free(struct listeners *listeners);

/*
 * Opens what is missing of WHERE ("*" = one socket for IPv4, one for IPv6 where the machine has it). What is open
 * already stays the same socket; what is open and not in WHERE is `left` until listeners_drop_left. Or nothing changes:
 * false with WHY, of SIZE octets, saying which line of the file, what is wrong and what to do.
 */
bool listeners_open(struct listeners *listeners, const struct config_endpoints *where, char *why, size_t size);

/* Closing frees the port at once, whoever inherited the socket; connections that nobody has accepted are reset. */
void listeners_drop_left(struct listeners *listeners);
void listeners_close(struct listeners *listeners);

#endif
