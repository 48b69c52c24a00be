/*
 * One connection from greeting to close: carries octets between a stream and a session, keeps the time of each phase,
 * looks for a newer policy before each command.
 */
#ifndef SMTPD_SERVE_H
#define SMTPD_SERVE_H

#include <signal.h>

#include "common/ipc/record.h"
#include "smtpd/live.h"
#include "smtpd/session/session.h"

/*
 * How a signal handler ends a session between two commands: it sets `stop` and calls shutdown(waiting_fd, SHUT_RD) when
 * that is not -1. A message that is coming in is never interrupted. While it is not -1 nobody changes the session, so
 * that the handler may ask session_revoked.
 */
struct serve_stop {
	volatile sig_atomic_t stop;
	volatile sig_atomic_t waiting_fd;
	struct session *volatile session;
};

/* What a session asks others for. All is borrowed. */
struct serve_services {
	const struct store *store;
	const struct names *names;  /* NULL = nobody knows names */
	struct auth *auth;          /* NULL = nobody can authenticate */
	const struct etrn *etrn;    /* NULL = no mail can be asked for */
	const _Atomic bool *stress; /* while it is true time-outs are LIMIT_STRESS_MS; NULL = never */
};

/* Who wants to know how far a session is: called after each command. MOVED NULL = nobody. RECORDS: what writes its
 * transaction log, NULL = none. */
struct serve_watch {
	void (*moved)(void *context, const struct session *session);
	void *context;
	struct record_writer *records;
};

/* How TLS begins: with a certificate after STARTTLS or, on a listener with `tls`, before anything else. */
struct serve_tls {
	struct ssl_ctx_st *context; /* borrowed; NULL = there is no certificate */
	bool first;
};

/*
 * How much longer the text of a message may take, in milliseconds, after ELAPSED_MS in which OCTETS of it have come:
 * never 0, which would mean no bound. LIMIT_TEXT_MS, under STRESS LIMIT_STRESS_MS; LIMIT_TEXT_RATE.
 */
int64_t serve_text_time_left(int64_t elapsed_ms, uint64_t octets, bool stress);

/* FD, a connection that is not to be served: says ID, with our name as $1 and ABOUT as $2, if it goes at once and TLS
 * does not come first; closes it. */
void serve_refusal(int fd, const struct serve_tls *tls, const struct config_server *config, enum reply_id id,
		   struct span about);

/* FD blocks, and is closed. */
void serve(int fd, const struct ipaddr *client, const struct serve_tls *tls, struct live *live,
	   const struct serve_services *services, struct serve_stop *stop, const struct serve_watch *watch);

#endif
