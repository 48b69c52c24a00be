/*
 * Asks DNS lists about clients for smtpd workers (common/mail/dnsbl.h), in the loop of the resolver. As in names.h each
 * question brings the socket for its answer, each process has one at a time, and their number is bounded. The context
 * of libunbound is theirs alone: lists that do not answer slow down no other look-up. It keeps the answers, and joins
 * equal questions, so many sessions of one client ask a list once.
 */
#ifndef DELIVERY_RESOLVER_LISTS_H
#define DELIVERY_RESOLVER_LISTS_H

#include <unbound.h>

#include "common/ipc/wire.h"

struct lists;

enum {
	LISTS_AT_ONCE = 512,
	LISTS_DEADLINE_MS = 4500 /* a worker waits DNSBL_WAIT_MS, and needs the answers before */
};

/* UNBOUND is borrowed. Ends the process without memory. */
struct lists *lists_new(struct ub_ctx *unbound);
void lists_free(struct lists *l);

/* Takes *FD, the socket for the answer, or leaves it. */
void lists_begin(struct lists *l, const struct wire_listed_of *question, int *fd);

/* Milliseconds until lists_tend has something to do, -1 = nothing. */
int64_t lists_until(const struct lists *l);

/* Answers the questions whose deadline is over. True: lists_describe may say something else than before. */
bool lists_tend(struct lists *l);

/* Appends what is wrong with lists, one problem a line. */
void lists_describe(const struct lists *l, struct str *to);

#endif
