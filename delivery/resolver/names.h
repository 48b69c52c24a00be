/*
 * Names of clients for smtpd workers (reverse.h), in the resolver's loop. A question brings the socket for its answer,
 * which no other worker has: so nobody can answer, or take the answer, in the resolver's place, and who goes away
 * costs nothing. What a worker sends is hostile: what is no question is dropped, each process has one at a time,
 * and all together are bounded.
 */
#ifndef DELIVERY_RESOLVER_NAMES_H
#define DELIVERY_RESOLVER_NAMES_H

#include <unbound.h>

#include "common/ipc/wire.h"

struct names;

/*
 * A question for the addresses of a name, which comes on the same link (mailroot-web): BEGIN takes *fd, the socket for
 * the answer, or leaves it, and it is closed.
 */
struct names_addresses {
	void (*begin)(void *context, const struct wire_resolve *question, int *fd);
	void *context;
};

enum {
	NAMES_AT_ONCE = 512,
	NAMES_DEADLINE_MS = 4500 /* a worker waits 5 s: the reason shall come in time */
};

/* UNBOUND and LINK are borrowed; LINK -1 = nobody asks. Dies without memory. */
struct names *names_new(struct ub_ctx *unbound, int link, struct names_addresses addresses);
void names_free(struct names *n);

/* What to poll for reading, -1 = nothing; then names_receive takes one question. */
int names_fd(const struct names *n);
void names_receive(struct names *n);

/* Milliseconds until the next question is overdue, -1 = none; and the end of those that are. */
int names_until_deadline(const struct names *n);
void names_end_overdue(struct names *n);

#endif
