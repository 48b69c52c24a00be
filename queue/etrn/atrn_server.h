/* ATRN (RFC 2645) as a server: clients turn their connection round to fetch their mail. See atrn.h. */
#ifndef QUEUE_ETRN_ATRN_SERVER_H
#define QUEUE_ETRN_ATRN_SERVER_H

#include "queue/etrn/etrn_server.h"

enum {
	ATRN_MAX = 100, /* connections at a time: each occupies two descriptors, an smtpd worker and an SMTP client */
	ATRN_UNUSED_MS = 10 * 1000 /* a connection that no worker has got by then ends */
};

/*
 * Handles the request PACKET of smtpd, with the descriptors STREAM and CLAIM (atrn.h). After ETRN_BEGUN they are owned
 * here, and *COUNT messages go out over the connection. Otherwise they stay the caller's. Even a compromised smtpd gets
 * only the mail of domains that have atrn_accounts.
 */
enum etrn_event atrn_server_request(struct etrn *e, const struct wire_atrn *packet, int stream, int claim,
				    uint64_t *count);

/* Call it each second: removes connections that have ended, whose jobs wait again. */
void atrn_server_tend(struct queue *q);

#endif
