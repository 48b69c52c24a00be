/*
 * Serves one connection from greeting to close: carries octets between a stream and a session, times each phase, and
 * looks for a newer policy before each command.
 */
#ifndef SMTPD_SERVE_H
#define SMTPD_SERVE_H

#include <signal.h>

#include "common/ipc/record.h"
#include "smtpd/live.h"
#include "smtpd/proxy/proxy_header.h"
#include "smtpd/session/session.h"

/*
 * How a signal handler ends a session between two commands: it sets `stop`, and calls shutdown(waiting_fd, SHUT_RD)
 * unless waiting_fd is -1. A message under way is never interrupted. While waiting_fd is not -1 the session does not
 * change, so the handler may call session_revoked.
 */
struct serve_stop {
	volatile sig_atomic_t stop;
	volatile sig_atomic_t waiting_fd;
	struct session *volatile session;
};

/* The services that a session uses. All are borrowed. */
struct serve_services {
	const struct store *store;
	const struct names *names;    /* NULL = names are not looked up */
	const struct lists *lists;    /* NULL = DNS lists are not asked */
	struct auth *auth;            /* NULL = no authentication */
	const struct etrn *etrn;      /* NULL = no ETRN, no ATRN */
	struct usage *usage;          /* NULL = nothing is counted for clients */
	bool (*pause)(void *context); /* true: the client may be let wait for the greeting; NULL = none is */
	/* XCLIENT has named CLIENT, which counts from now on. REPLY_NONE, or the refusal as in admit.h; NULL = none. */
	enum reply_id (*admit)(void *context, const struct ipaddr *client, struct str *about);
	void *context;                         /* of pause and admit */
	const _Atomic bool *stress;            /* while true, time-outs are LIMIT_STRESS_MS; NULL = never */
	const struct known *known;             /* the lists of recipients; NULL = none */
	const struct filter_services *filters; /* NULL = no filter is asked */
};

/*
 * MOVED is called after each command with the progress of the session; NULL = none. RECORDS writes the transaction log
 * of the session; NULL = none.
 */
struct serve_watch {
	void (*moved)(void *context, const struct session *session);
	void *context;
	struct record_writer *records;
};

/* How TLS begins: if there is a certificate, after STARTTLS or, on a listener with `tls`, before the greeting. */
struct serve_tls {
	struct ssl_ctx_st *context; /* borrowed; NULL = no certificate */
	bool first;
};

/*
 * How much longer the text of a message may take, in milliseconds, after ELAPSED_MS in which OCTETS of it have come.
 * Never 0, which would mean no limit. Limits: LIMIT_TEXT_MS (under STRESS LIMIT_STRESS_MS) and LIMIT_TEXT_RATE.
 */
int64_t serve_text_time_left(int64_t elapsed_ms, uint64_t octets, bool stress);

/*
 * Refuses the connection FD: sends reply ID, with our name as $1 and ABOUT as $2, if it can be sent without blocking
 * and TLS does not come first; closes FD.
 */
void serve_refusal(int fd, const struct serve_tls *tls, const struct config_server *config, enum reply_id id,
		   struct span about);

/* Serves FD, which blocks, and closes it. PROXIED: what a load balancer said of the connection; NULL = it is direct. */
void serve(int fd, const struct ipaddr *client, const struct proxy_header *proxied, const struct serve_tls *tls,
	   struct live *live, const struct serve_services *services, struct serve_stop *stop,
	   const struct serve_watch *watch);

#endif
