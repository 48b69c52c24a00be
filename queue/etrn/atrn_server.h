/* Clients that turn their connection round with ATRN (RFC 2645) to fetch their mail: see atrn.h. */
#ifndef QUEUE_ETRN_ATRN_SERVER_H
#define QUEUE_ETRN_ATRN_SERVER_H

#include "queue/etrn/etrn_server.h"

enum {
	ATRN_MAX = 100,            /* at a time: each holds two descriptors, an smtpd and an SMTP client */
	ATRN_UNUSED_MS = 10 * 1000 /* a connection for which no mail came after all */
};

/*
 * PACKET, which smtpd sent with STREAM and CLAIM (owned after ETRN_BEGUN): what becomes of it. A hostile smtpd gets the
 * mail of domains that have atrn_accounts, and no other.
 */
enum etrn_event atrn_server_offered(struct etrn *e, const struct wire_atrn *packet, int stream, int claim,
				    uint64_t *count);

/* Each second: connections that are over end, and what was not begun waits again. */
void atrn_server_tend(struct queue *q);

#endif
