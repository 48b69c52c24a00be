/*
 * The listening sockets of one virtual server: made before any child, and kept across restarts of smtpd, so that no
 * connection is refused meanwhile. Only closing them here frees the port.
 *
 * "*" is every address that no other listener claims: it may be used beside single addresses of the same port, of this
 * or of other virtual servers. So the listeners know each other, through a `listeners_all` that all share.
 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include "common/config/config.h"
#include "common/config/limits.h"

enum {
	LISTENERS_LINES_MAX = 64,                /* of `listen` */
	LISTENERS_MAX = 2 * LISTENERS_LINES_MAX, /* "*" is two sockets */
};

struct listeners;

struct listeners_all {
	const struct listeners *of[MASTER_SERVERS_MAX];
	size_t n;
};

/* A line of `listen`. */
struct listeners_line {
	struct ipaddr ip;
	uint16_t port;
	bool any;
};

struct listeners {
	struct listeners_all *all;
	int fds[LISTENERS_MAX];
	size_t n;
	int left[LISTENERS_MAX]; /* no longer wanted, still open: see listeners_open */
	size_t left_count;
	struct listeners_line missing[LISTENERS_LINES_MAX]; /* wanted, but could not be opened yet */
	size_t missing_count;
	int error; /* of the last of these; 0 = none */
};

/* Makes LISTENERS empty, and known to ALL until listeners_free. False: ALL is full. */
bool listeners_init(struct listeners *listeners, struct listeners_all *all);
void listeners_free(struct listeners *listeners);

/*
 * Opens what is missing of WHERE ("*" = one socket for IPv4, one for IPv6 if the machine has it). Open sockets that are
 * in WHERE stay; open sockets that are not are `left` until listeners_drop_left. WHY, of SIZE octets, has the reason
 * and the remedy for each line that can't be opened; "" = all are open.
 *
 * True: these lines are `missing`, and the rest is open. False: nothing changed, because a line can't be opened that
 * was not missing before; with SOME that is no failure either.
 */
bool listeners_open(struct listeners *listeners, const struct config_endpoints *where, bool some, char *why,
		    size_t size);

/*
 * Frees the ports at once, even if a process has inherited the sockets; connections that were not accepted are reset.
 * A socket that was handed over (handed.h) stays open instead, and connections wait in it.
 */
void listeners_drop_left(struct listeners *listeners);
void listeners_close(struct listeners *listeners);

#endif
