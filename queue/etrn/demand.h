/*
 * Mail that waits until it is asked for: that of a remote domain with `etrn yes`. Each such domain is a next hop of its
 * own, with a way that is closed. Mail for it is not tried and leaves no trace in a journal; it waits in the next
 * hop's list until its time is over.
 *
 *	closed    ETRN (etrn.h): open for DEMAND_OPEN_MS, and then for as long as jobs are left; what waited when it
 *	          was given is called back bit by bit, each message once
 *	          ATRN (turned.h): what waited is called, and goes over the turned connection as long as that stands
 *	open      mail goes out as it comes; what fails waits for the next ETRN
 */
#ifndef QUEUE_ETRN_DEMAND_H
#define QUEUE_ETRN_DEMAND_H

#include "common/config/etrn.h"
#include "common/mail/domain.h"

struct destination;
struct message;
struct queue;
struct route;

enum {
	DEMAND_OPEN_MS =
		5 * 60 * 1000,       /* a host that asks is up; a line that breaks just then is given another chance */
	DEMAND_AGAIN_MS = 10 * 1000, /* who asks again sooner starts nothing new */
	DEMAND_A_SECOND = 200        /* requests that are heard, of everybody together */
};

/* Of a next hop. */
struct demand {
	char domain[DOMAIN_MAX + 1]; /* lower case; "" = of several */
	int64_t expire_ms;
	int64_t asked_ms;           /* when ETRN was heard; 0 = never */
	int64_t open_until;         /* 0 = closed */
	size_t called;              /* messages that wait and are still to be called */
	struct destination *turned; /* the connection over which its mail goes; NULL = none. Counted. */
};

/* For the domain of ROUTE. NULL without memory. */
struct demand *demand_new(const struct route *route);

/* Mail for D (any next hop) need not be asked for now. */
bool demand_is_open(const struct destination *d, int64_t now_ms);

/* D calls back one more of what waits for it. */
bool demand_takes_call(struct destination *d);

/* The next hop over which mail for D goes now: itself, or a turned connection. */
struct destination *demand_way(struct destination *d);

/* Recipient AT of M, which goes to D, has to wait, and is noted so; or its time is over. False: it may go. */
bool demand_holds(struct queue *q, struct message *m, const struct destination *d, size_t at);

/*
 * M has been tried and is to wait: the next hop whose list it belongs to, when some of its recipients must be asked
 * for; else NULL. *LEFT_MS: how long until the first one's time is over, when all must; else 0.
 */
struct destination *demand_of(struct queue *q, const struct message *m, int64_t *left_ms);

/* Somebody asks for the mail of NODE with ETRN. *COUNT: messages that wait, 0 also where that is not known. */
enum etrn_event demand_asked(struct queue *q, const struct etrn_node *node, uint64_t *count);

/* When mail that was tried over D is given up, whatever delivery expire says; 0 = that says it. */
int64_t demand_expire(const struct destination *d);

/* Messages wait for more than one domain, of which nobody knows. */
bool demand_is_mixed(struct queue *q);

/* Makes the next hop of mail for DOMAIN, though none may wait yet, so that what comes meanwhile finds it open. */
void demand_make_known(struct queue *q, struct span domain);

/* Calls back all that waits for D over CONNECTION (counted); how much that is. */
size_t demand_turn(struct queue *q, struct destination *d, struct destination *connection);

/* D's way opens as by ETRN, but nothing is called: an operator sends some of what waits. */
void demand_admit(const struct queue *q, struct destination *d);

/* Each second: what is called comes, ways close. */
void demand_tend(struct queue *q);

/* All that lay in the spool has been looked at, so that what waits is known. */
bool demand_knows_all(struct queue *q);

/* Why M waits, into TO ("" = for another reason). */
void demand_describe(const struct destination *d, int64_t now_ms, char *to, size_t size);

#endif
