/*
 * Asks other hosts with ETRN for mail that waits there for us: connectors with etrn_request, at the start and then in
 * the period that they say. The hosts are looked up like those of mail; an SMTP client asks them, and says in the log
 * what they answered.
 */
#ifndef QUEUE_ETRN_ETRN_CLIENT_H
#define QUEUE_ETRN_ETRN_CLIENT_H

#include "queue/etrn/etrn_server.h"

/* Each second: hosts that are due are asked. */
void etrn_client_tend(struct etrn *e);

void etrn_client_free(struct etrn *e);

#endif
