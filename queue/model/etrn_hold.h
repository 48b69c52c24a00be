/*
 * Mail that waits until its host asks for it: that of a remote domain with `etrn yes`. Each such domain is a next hop
 *of its own, with a way that is closed. Mail for it is not tried and leaves no line in a journal; it waits in the list
 *of the next hop until it expires.
 *
 *	closed    ETRN opens the way for ETRN_OPEN_MS, and then for as long as jobs are left. What waited when ETRN
 *	          came is called back bit by bit, each message once.
 *	          ATRN (atrn.h) calls what waits over the client's connection, for as long as that connection lasts.
 *	open      Mail goes out as it comes. What fails waits for the next ETRN.
 *
 * Pure but for memory; times are monotonic milliseconds.
 */
#ifndef QUEUE_MODEL_ETRN_HOLD_H
#define QUEUE_MODEL_ETRN_HOLD_H

#include "common/mail/domain.h"
#include "queue/model/destination.h"

/* A host that asks is up: a line that breaks just then is given another chance. */
enum { ETRN_OPEN_MS = 5 * 60 * 1000 };

/* Of a next hop. */
struct etrn_hold {
	char domain[DOMAIN_MAX + 1]; /* lower case; "" = several domains */
	int64_t expire_ms;
	int64_t asked_ms;               /* when ETRN came; 0 = never */
	int64_t open_until;             /* 0 = closed */
	size_t called;                  /* messages that wait and are still to be called */
	struct destination *connection; /* the ATRN connection over which its mail goes; NULL = none. Counted. */
};

/* For the domain of ROUTE. NULL without memory. The caller frees it. */
struct etrn_hold *etrn_hold_new(const struct route *route);

/* The next hop of messages whose recipients wait for more than one domain. NULL without memory. */
struct destination *etrn_hold_several(struct destinations *all);

/* Mail for D (any next hop) may go out now. */
bool etrn_hold_is_open(const struct destination *d, int64_t now_ms);

/* D, a next hop with a hold, opens as by ETRN, but nothing is called: an operator sends some of what waits. */
void etrn_hold_admit(struct destination *d, int64_t now_ms);

/* D calls back one more of what waits for it. */
bool etrn_hold_takes_call(struct destination *d);

/* The next hop over which mail for D goes now: D, or an ATRN connection. */
struct destination *etrn_hold_way(struct destination *d);

/* When mail that was tried over D expires, whatever `delivery expire` says, as an age in ms; 0 = that setting counts.
 */
int64_t etrn_hold_expire(const struct destination *d);

/* Why mail for D waits, into TO of SIZE octets; "" = for another reason. */
void etrn_hold_describe(const struct destination *d, int64_t now_ms, char *to, size_t size);

#endif
