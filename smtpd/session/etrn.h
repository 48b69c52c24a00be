/*
 * Mail that waits to be asked for: a session tells the queue through this who asks (common/config/etrn.h); a worker's
 * own does so on the arrivals link. Tests have one in memory.
 */
#ifndef SMTPD_SESSION_ETRN_H
#define SMTPD_SESSION_ETRN_H

#include "common/config/etrn.h"

/* A connection that is turned round. */
struct etrn_offer {
	struct span domains; /* as in PACKET(atrn) */
	struct span user;
	const struct ipaddr *client;
	bool tls;
};

/* What carries it: octets of the client go to `stream`, and back. */
struct etrn_turn {
	int stream;
	int claim; /* closed: no message is begun any more */
};

struct etrn {
	void *context;
	/* What became of it; *COUNT messages wait. ETRN_BEGUN with 0 = nobody knows how many. */
	enum etrn_event (*ask)(void *context, const struct etrn_node *node, uint64_t *count);
	/* ETRN_BEGUN: *OUT is the caller's from now on. */
	enum etrn_event (*fetch)(void *context, const struct etrn_offer *offer, struct etrn_turn *out);
};

/* Asks on LINK (CHILD_FD_ARRIVALS), at most ETRN_ANSWER_MS. */
struct etrn etrn_of_queue(const int *link);

/* Closes both. */
void etrn_turn_close(struct etrn_turn *turn);

/* What the queue said; false: that was no answer. */
bool etrn_take(struct span packet, enum etrn_event *event, uint64_t *count);

#endif
