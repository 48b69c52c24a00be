/* ETRN (RFC 1985) as a server: requests open the next hops of etrn_hold.h, and the messages that wait are released. */
#ifndef QUEUE_ETRN_ETRN_SERVER_H
#define QUEUE_ETRN_ETRN_SERVER_H

#include "common/config/etrn.h"
#include "queue/attempt/queue.h"

enum {
	ETRN_AGAIN_MS = 10 * 1000, /* a repeated request within this time has no effect */
	ETRN_A_SECOND = 200        /* requests that are handled, of all clients together */
};

struct call;

/* The state of this folder's modules. */
struct etrn {
	struct queue *queue;  /* borrowed */
	unsigned requests;    /* so far in this second */
	bool knows_all;       /* see etrn_server_knows_all */
	uint64_t atrn_serial; /* of atrn_server.c */
	struct call *calls;   /* of etrn_client.c */
};

/* Handles ETRN for NODE. *COUNT: the messages that are released; 0 also when that is not known. */
enum etrn_event etrn_server_request(struct etrn *e, const struct etrn_node *node, uint64_t *count);

/* True when messages wait for ETRN of more than one domain. Which domains is not known before they are loaded. */
bool etrn_server_has_several(struct queue *q);

/* Creates the next hop of mail for DOMAIN, if it is new, so that mail that arrives later finds it open. */
void etrn_server_make_hop(struct queue *q, struct span domain);

/* Makes the mail of D use CONNECTION, an ATRN connection, and releases the messages that wait. Returns their number. */
size_t etrn_server_connect(struct queue *q, struct destination *d, struct destination *connection);

/* Call it each second: releases more messages, and closes next hops whose time is over. */
void etrn_server_tend(struct etrn *e);

/* True once the messages that a scan found at the start were loaded, so that all mail that waits for ETRN is known. */
bool etrn_server_knows_all(struct etrn *e);

#endif
