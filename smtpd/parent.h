/*
 * The smtpd parent: keeps the pool of workers, publishes new policy, answers master and mailrootctl, and says 421 when
 * no worker is free. It serves no client and reads nothing from the network.
 */
#ifndef SMTPD_PARENT_H
#define SMTPD_PARENT_H

#include "common/process/child.h"
#include "common/tls/attention.h"
#include "smtpd/auth/gss.h"
#include "smtpd/protocol/limits.h"
#include "smtpd/worker.h"

/* Indexes in `polled`: these, then ctl links, then listeners while no worker is free. */
enum { PARENT_POLL_CONTROL, PARENT_POLL_POOL, PARENT_POLL_CTL, PARENT_POLL_LISTEN = PARENT_POLL_CTL + LIMIT_CTL_LINKS };

/* A link to mailrootctl, or to a process that may only ask for the state. */
struct ctl_link {
	int fd;              /* -1 = free */
	enum wire_link link; /* WIRE_LINK_ctl_smtpd or WIRE_LINK_status_smtpd */
};

struct parent {
	struct child child;
	int *listeners;
	struct spool spool;
	struct secure secure;
	struct worker_context worker;
	struct auth *auth;
	struct gss_server *gss; /* NULL = GSSAPI is not available */
	struct attention attention;
	struct prefork *pool;
	struct ctl_link ctl_links[LIMIT_CTL_LINKS];
	struct pollfd *polled;
	char *packet;             /* WIRE_PACKET_MAX octets */
	int64_t stop_by;          /* clock_mono_ms; 0 = not stopping */
	int64_t look;             /* clock_mono_ms: of the next look at what workers have counted */
	int64_t gateway_quiet;    /* clock_mono_ms: of the next warning about a gateway */
	int64_t log_paused_after; /* clock_mono_ms: of the next line that says so */
	unsigned refused;         /* since the last one */
	int64_t accept_after;     /* clock_mono_ms: after accept failed, the time of the next try */
	bool paused;              /* only the parent accepts, to say 421 */
	bool said_paused;
	bool retired;     /* no worker accepts; smtpd ends with the last session */
	bool users_known; /* master has sent the state of the account file */
};

/* As root: takes over what master passed on and opens new/. Exits with a reason when that fails. */
void parent_init(struct parent *p, const struct child *child);

void parent_jail(struct parent *p);

/* In the jail: probes the spool's file system and makes the pool. */
void parent_ready(struct parent *p);

/* Runs until master says stop or is gone. Returns the exit status. */
int parent_loop(struct parent *p);

/* --- between parent.c and parent_control.c --- */

/* Takes the next packet of master, and does what it says. */
void parent_obey(struct parent *p);

/* As many workers as the configuration and the orders of master want. */
void parent_size_pool(struct parent *p);

#endif
