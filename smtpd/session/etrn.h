/*
 * ETRN and ATRN: a session passes the request on to the queue (common/config/etrn.h). A worker does so on the arrivals
 * link; tests have a queue in memory.
 */
#ifndef SMTPD_SESSION_ETRN_H
#define SMTPD_SESSION_ETRN_H

#include "common/config/etrn.h"

/* An ATRN request. */
struct etrn_offer {
	struct span domains; /* as in PACKET(atrn) */
	struct span user;
	const struct ipaddr *client;
	bool tls;
};

/* An ATRN connection: octets of the client go to `stream`, and back. */
struct etrn_connection {
	int stream;
	int claim; /* closing it stops the queue from beginning another message */
};

struct etrn {
	void *context;
	/* Passes ETRN on; returns its result. *COUNT messages wait; ETRN_BEGUN with 0 = the number is not known. */
	enum etrn_event (*ask)(void *context, const struct etrn_node *node, uint64_t *count);
	/* Passes ATRN on. ETRN_BEGUN: the caller owns *OUT from now on. */
	enum etrn_event (*fetch)(void *context, const struct etrn_offer *offer, struct etrn_connection *out);
};

/* Asks on LINK (CHILD_FD_ARRIVALS) and waits at most ETRN_ANSWER_MS. */
struct etrn etrn_of_queue(const int *link);

/* Closes both. */
void etrn_connection_close(struct etrn_connection *c);

/* Decodes the queue's answer. False: malformed. */
bool etrn_take(struct span packet, enum etrn_event *event, uint64_t *count);

#endif
