/*
 * The connection to one filter in one session: octets between its socket and the state machine (milter.h), with time
 * limits. Functions block. An order to stop ends each wait.
 */
#ifndef SMTPD_MILTER_FILTER_H
#define SMTPD_MILTER_FILTER_H

#include <signal.h>

#include "common/config/config.h"
#include "smtpd/milter/milter.h"

/* What filters need of the process. Borrowed. */
struct filter_services {
	void *context;
	/*
	 * Connects to FILTER, and gives up soon after UNTIL (clock_mono_ms). Returns the socket, which does not block
	 * and is the caller's, or -errno with the reason and its remedy at WHY of SIZE octets. -DIAL_OURS: the filter
	 * has no fault.
	 */
	int (*dial)(void *context, const struct config_filter *filter, int64_t until, char *why, size_t size);
	/* FILTER did not answer in time: other sessions need not wait for it, too. NULL = that is not told. */
	void (*doubt)(void *context, const struct config_filter *filter);
	/* Before a wait for the filter NAME, and with NULL after it. NULL = that is not told. */
	void (*waiting)(void *context, const char *name);
	/* An order to stop sets *STOP, and calls shutdown(*WAITING_FD, SHUT_RD) unless that is -1. NULL = there is
	 * none.
	 */
	volatile sig_atomic_t *stop, *waiting_fd;
	/* While a wait lasts: something can be read from LINK. Reads it, and returns whether to go on listening in this
	 * wait. NULL = nothing is heard. */
	bool (*hear)(void *context);
	int link;
};

enum { FILTER_NAME_MAX = 64, FILTER_WHY_MAX = 401 };

struct filter {
	struct config_filter config; /* its texts are valid until the configuration changes; use `name` */
	char name[FILTER_NAME_MAX + 1];
	int fd; /* -1 = there is no connection */
	struct milter machine;
	struct str in; /* octets of the filter; those before in_at are taken */
	size_t in_at;
	bool absent;  /* it could not be reached */
	bool ours;    /* the trouble is in Mailroot: the filter has no fault */
	bool stopped; /* an order to stop ended the wait */
	bool failed;  /* in the current message: when_down decides */
	char why[FILTER_WHY_MAX];
};

void filter_init(struct filter *f, const struct config_filter *config);
void filter_free(struct filter *f);

/*
 * Connects and negotiates, until UNTIL (clock_mono_ms) at most. MILTER_READY, or MILTER_FAULT: then there is no
 * connection, and f->why has the reason, or f->stopped is set.
 */
enum milter_result filter_open(struct filter *f, const struct filter_services *services, int64_t until);

/* Whether the filter has ended the connection, or there is none. */
bool filter_ended(const struct filter *f);

/*
 * Before an event: whether the filter is there and has said nothing unasked. False: as MILTER_FAULT above.
 */
bool filter_quiet(struct filter *f);

/*
 * Sends what the machine has, and takes packets until the filter's answer to the event, an edit's piece of the body
 * (MILTER_BODY; call again) or MILTER_FAULT as above. Each answer, or sign of progress, may take LIMIT_MS, and all of
 * it lasts until UNTIL (clock_mono_ms) at most.
 */
enum milter_result filter_await(struct filter *f, const struct filter_services *services, int64_t limit_ms,
				int64_t until);

/* Sends what the machine has, within LIMIT_MS and until UNTIL at most. False: as MILTER_FAULT above. */
bool filter_send(struct filter *f, const struct filter_services *services, int64_t limit_ms, int64_t until);

/* The filter has done WHAT, a phrase, and is given up: as MILTER_FAULT above. */
void filter_fault(struct filter *f, const char *what);

/* The message is over; the filter gives no answer. */
void filter_abort(struct filter *f, const struct filter_services *services);

/* The session is over: says so, without waiting, and closes. Harmless without a connection. */
void filter_close(struct filter *f);

#endif
