/*
 * What hosts that ask for their mail with ETRN (RFC 1985) set going: the ways of etrn_hold.h open and close, and what
 * waits is called back.
 */
#ifndef QUEUE_ETRN_ETRN_SERVER_H
#define QUEUE_ETRN_ETRN_SERVER_H

#include "common/config/etrn.h"
#include "queue/attempt/queue.h"

enum {
	ETRN_AGAIN_MS = 10 * 1000, /* a host that asks again sooner starts nothing new */
	ETRN_A_SECOND = 200        /* requests that are heard, of all hosts together */
};

struct call;

/* What this room remembers. */
struct etrn {
	struct queue *queue;  /* borrowed */
	unsigned requests;    /* in this second */
	bool knows_all;       /* see etrn_server_knows_all */
	uint64_t atrn_serial; /* of atrn_server.c */
	struct call *calls;   /* of etrn_client.c */
};

/* A host asks for the mail of NODE with ETRN. *COUNT: messages that wait, 0 also where that is not known. */
enum etrn_event etrn_server_asked(struct etrn *e, const struct etrn_node *node, uint64_t *count);

/* Messages wait for more than one domain, of which nobody knows. */
bool etrn_server_is_mixed(struct queue *q);

/* Makes the next hop of mail for DOMAIN, though none may wait yet, so that what comes meanwhile finds it open. */
void etrn_server_make_known(struct queue *q, struct span domain);

/* Calls back all that waits for D over CONNECTION (counted); how much that is. */
size_t etrn_server_turn(struct queue *q, struct destination *d, struct destination *connection);

/* Each second: what is called comes, ways close. */
void etrn_server_tend(struct etrn *e);

/* All that lay in the spool at the start has been looked at, so that what waits is known. */
bool etrn_server_knows_all(struct etrn *e);

#endif
