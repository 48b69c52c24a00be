/* Connects to a filter, and says in words why that failed and what to do. */
#ifndef SMTPD_FILTERS_REACH_H
#define SMTPD_FILTERS_REACH_H

#include "common/base/str.h"
#include "common/config/types.h"
#include "smtpd/milter/dial.h"
#include "smtpd/milter/milter_wire.h"

/* What the words need. */
struct reach {
	char user[64];     /* under which this process runs */
	struct str groups; /* the text of /etc/group: the jail can't read it */
};

/* Before the jail. USER: the one that this process becomes if it is root. */
void reach_init(struct reach *r, const char *user);
void reach_free(struct reach *r);

/*
 * Begins to connect. Returns a socket that does not block, which the caller closes: it can be written when the
 * connection is there or has failed (reach_result). Or -errno; -EAGAIN: the filter has not yet accepted the connections
 * of others, try again in a moment; -ELOOP, -ENOTSOCK: the path is a symbolic link, or something else than a socket.
 */
int reach_begin(const struct config_filter_address *address);

/* How the connection of FD, which can be written, has ended: 0 or -errno. */
int reach_result(int fd);

/* The beginning of a filter's answer to the greeting. */
struct reach_greeting {
	char head[MILTER_HEAD];
	size_t len; /* octets of it that have come; 0 at first */
};

/*
 * Whether the filter behind the connection FD is awake: reach_greet sends it the offer of the milter protocol, and
 * reach_greeted, each time that FD can be read, takes its answer: 0; -EAGAIN: it is not complete; -EPROTO: a filter
 * does not answer so; -ECONNRESET: the connection is over.
 */
bool reach_greet(int fd);
int reach_greeted(int fd, struct reach_greeting *greeting);

/* Connects, and waits for that until UNTIL (clock_mono_ms). Returns the socket as above; or -errno, and WHY. */
int reach_connect(const struct reach *r, const struct config_filter_address *address, int64_t until,
		  char why[DIAL_WHY_MAX + 1]);

/* ERR (positive) is no fault of the filter: this process is short of memory or descriptors. */
bool reach_is_ours(int err);

/* The reason for ERR (positive), with its remedy. EAGAIN, ETIMEDOUT, and ETIME after reach_greet: `timeout connect` has
 * passed. */
void reach_why(const struct reach *r, const struct config_filter_address *address, int err, char why[DIAL_WHY_MAX + 1]);

#endif
