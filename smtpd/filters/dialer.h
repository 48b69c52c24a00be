/*
 * The loop of mailroot-filters: takes the questions of smtpd workers and of pickup, connects to the filter that they
 * name, and hands the socket over. It sees no mail.
 *
 * A filter that can't be reached is down: a question about it is answered at once, and the loop alone tries again,
 * after 1 s, then less and less often. At the start, and after a reload, each filter is tried once, so that `status`
 * knows.
 *
 * A filter that a process doubts is greeted, so that one that accepts connections and hangs is down, too. It is up
 * again when it answers.
 *
 * A worker may be compromised: malformed questions are ignored, each process has one question at a time, and the number
 * of all questions is bounded.
 */
#ifndef SMTPD_FILTERS_DIALER_H
#define SMTPD_FILTERS_DIALER_H

#include <sys/types.h>

#include "common/process/child.h"
#include "common/process/trouble.h"
#include "smtpd/filters/down.h"
#include "smtpd/filters/reach.h"

enum {
	DIALER_QUESTIONS = 64, /* at once; most connections are made while the question is read */
	DIALER_TRIES = DIALER_QUESTIONS + CONFIG_FILTERS_MAX,
	DIALER_NAME_MAX = 64,
	DIALER_ADDRESS_MAX = 160
};

/* One try to connect: for a question, or for ourselves. */
struct dialer_try {
	bool used;
	size_t filter;
	int fd;       /* -1: the filter accepts no connection yet, the next attempt is at again_ms */
	int answer;   /* the socket that came with the question; -1 = our own try */
	pid_t worker; /* that asks */
	bool greets;  /* our own try: an answer of the filter is wanted, too */
	bool greeted; /* and awaited */
	struct reach_greeting greeting;
	int64_t deadline; /* clock_mono_ms, as all times here */
	int64_t again_ms;
};

struct dialer_filter {
	const struct config_filter *config;
	char name[DIALER_NAME_MAX + 1], address[DIALER_ADDRESS_MAX]; /* copies, to know the filter after a reload */
	struct down down;
	int64_t doubt_ms; /* a doubt about it before this time does not count */
};

struct dialer {
	struct child *child;
	int control, questions; /* links; -1 = closed */
	struct reach reach;
	struct dialer_filter filters[CONFIG_FILTERS_MAX];
	size_t filter_count;
	/* Questions, then our own try for each filter. */
	struct dialer_try at[DIALER_TRIES];
	struct trouble told;
	bool news; /* a filter has gone down or come up */
	char packet[WIRE_PACKET_MAX];
	bool stopping;
};

/* CHILD is borrowed. Before the jail. */
void dialer_load(struct dialer *d, struct child *child);
void dialer_jail(const struct dialer *d);

/* Until master says stop or is gone. */
void dialer_run(struct dialer *d);
void dialer_free(struct dialer *d);

#endif
