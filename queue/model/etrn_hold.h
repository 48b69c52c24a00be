/*
 * Mail of remote domains with `etrn yes`, which waits until a client requests it. Each such domain is a next hop of its
 * own, closed or open.
 *
 *	closed    Mail is not tried and gets no line in its journal. It waits in the list of the next hop until it
 *	          expires.
 *	          ETRN opens the next hop for ETRN_OPEN_MS, and then for as long as it has jobs. The messages that
 *	          waited when ETRN came are released in portions, each once.
 *	          ATRN (atrn.h) releases them over the client's connection, as long as that connection lasts.
 *	open      Mail goes out as it arrives. A message that fails waits for the next ETRN.
 *
 * No I/O and no clock; times are milliseconds of the monotonic clock.
 */
#ifndef QUEUE_MODEL_ETRN_HOLD_H
#define QUEUE_MODEL_ETRN_HOLD_H

#include "common/mail/domain.h"
#include "queue/model/destination.h"

/* A host that sends ETRN is up: when its line breaks during this time, the mail is tried again. */
enum { ETRN_OPEN_MS = 5 * 60 * 1000 };

/* The hold of one next hop. */
struct etrn_hold {
	char domain[DOMAIN_MAX + 1]; /* lower case; "" = several domains */
	int64_t expire_ms;
	int64_t requested_ms;           /* when ETRN came; 0 = never */
	int64_t open_until;             /* 0 = closed */
	size_t to_release;              /* waiting messages that are still to be released */
	struct destination *connection; /* the ATRN connection over which its mail goes; NULL = none. Counted. */
};

/* A closed hold for the domain of ROUTE. The caller frees it. NULL without memory. */
struct etrn_hold *etrn_hold_new(const struct route *route);

/* The next hop of messages that wait for ETRN of more than one domain, created when new. NULL without memory. */
struct destination *etrn_hold_several(struct destinations *all);

/* True when mail for D may go out now. D may be any next hop. */
bool etrn_hold_is_open(const struct destination *d, int64_t now_ms);

/* Opens D, which has a hold, as ETRN does, but releases no message: an operator releases some of them. */
void etrn_hold_open(struct destination *d, int64_t now_ms);

/* True when one more message that waits for D may be released, which is then counted. Always true without a hold. */
bool etrn_hold_release_one(struct destination *d);

/* The next hop that mail for D uses now: D, or an ATRN connection. */
struct destination *etrn_hold_next_hop(struct destination *d);

/* The age in ms at which mail tried over D expires, whatever `delivery expire` says; 0 = that setting counts. */
int64_t etrn_hold_expire(const struct destination *d);

/* Writes "waits for ETRN DOMAIN" to TO (SIZE octets) when that is what mail for D waits for; else "". */
void etrn_hold_describe(const struct destination *d, int64_t now_ms, char *to, size_t size);

#endif
