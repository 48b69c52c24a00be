/*
 * Looks up the names of clients for smtpd workers (reverse.h), in the loop of the resolver. A question brings the
 * socket for its answer. No other worker has this socket, so none can answer in place of the resolver, or read the
 * answer. A worker may be compromised: malformed questions are ignored, each process has one question at a time, and
 * the number of all questions is bounded.
 */
#ifndef DELIVERY_RESOLVER_NAMES_H
#define DELIVERY_RESOLVER_NAMES_H

#include <unbound.h>

#include "common/ipc/wire.h"

struct names;

/*
 * The other questions that come on the same link: for the addresses of a name (mailroot-web), and whether DNS lists
 * have a client (lists.h). Each function takes *fd, the socket for the answer, or leaves it, and it is closed.
 */
struct names_others {
	void (*addresses)(void *context, const struct wire_resolve *question, int *fd);
	void (*listed)(void *context, const struct wire_listed_of *question, int *fd);
	void *context;
};

enum {
	NAMES_AT_ONCE = 512,
	NAMES_DEADLINE_MS = 4500 /* a worker waits 5 s, and needs the reason before */
};

/* UNBOUND and LINK are borrowed; LINK -1 = no questions. Ends the process without memory. */
struct names *names_new(struct ub_ctx *unbound, int link, struct names_others others);
void names_free(struct names *n);

/* The descriptor to poll for reading, -1 = none. If it is readable, names_receive takes one question. */
int names_fd(const struct names *n);
void names_receive(struct names *n);

/* Milliseconds until the next deadline, -1 = none. names_end_overdue answers the questions whose deadline is over. */
int64_t names_until_deadline(const struct names *n);
void names_end_overdue(struct names *n);

#endif
