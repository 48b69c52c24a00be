/*
 * ETRN (RFC 1985) as a client: requests mail that waits at other hosts for us. Each connector with etrn_request sends
 * ETRN at the start and then in its period. Its hosts are looked up like the hosts of mail. An SMTP client sends the
 * requests and logs the replies.
 */
#ifndef QUEUE_ETRN_ETRN_CLIENT_H
#define QUEUE_ETRN_ETRN_CLIENT_H

#include "queue/etrn/etrn_server.h"

/* Call it each second: sends the requests that are due. */
void etrn_client_tend(struct etrn *e);

void etrn_client_free(struct etrn *e);

#endif
