/*
 * A connection that the client has turned round (ATRN): octets are carried between him, under TLS or not, and a process
 * that sends mail to whom it takes for a host. Nobody here reads what they say.
 */
#ifndef SMTPD_TURN_H
#define SMTPD_TURN_H

#include "common/net/stream.h"
#include "smtpd/serve.h"
#include "smtpd/session/session.h"

/*
 * Until either end has closed, or nothing was said for connection_timeout. An order to stop, or an account that is no
 * longer what it was, gives up the claim to more mail; what is under way is carried to its end.
 */
void turn_run(struct stream *client, struct session *session, const struct serve_stop *stop);

#endif
