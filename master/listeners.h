/*
 * The listening sockets of one virtual server: made once, before any child, and kept across restarts of smtpd, so that
 * no connection is refused while it comes back. Only our own closing frees the port.
 *
 * "*" is every address that nobody else claims: it may stand beside single addresses of the same port, of this or of
 * other virtual servers. So they know each other, through a `listeners_all` that all share.
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

/* What a line of `listen` says. */
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

/* Empty, and known to ALL until listeners_free. False when ALL is full. */
bool listeners_init(struct listeners *listeners, struct listeners_all *all);
void listeners_free(struct listeners *listeners);

/*
 * Opens what is missing of WHERE ("*" = one socket for IPv4, one for IPv6 where the machine has it). What is open
 * already stays the same socket; what is open and not in WHERE is `left` until listeners_drop_left. WHY, of SIZE
 * octets, says of each line of the file that can't be opened what is wrong and what to do; "" = all are open.
 *
 * True: they are `missing`, and the rest is open. False: nothing changed, as a line can't be opened that was not
 * missing before. SOME: that is no reason either.
 */
bool listeners_open(struct listeners *listeners, const struct config_endpoints *where, bool some, char *why,
		    size_t size);

/* Closing frees the port at once, whoever inherited the socket; connections that nobody has accepted are reset. */
void listeners_drop_left(struct listeners *listeners);
void listeners_close(struct listeners *listeners);

#endif
