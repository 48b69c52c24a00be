/*
 * The smtpd end of an ATRN connection (RFC 2645), on which client and server have changed roles: carries octets between
 * the client, under TLS or not, and the delivery worker that sends it mail. smtpd does not look into what they say.
 */
#ifndef SMTPD_ATRN_RELAY_H
#define SMTPD_ATRN_RELAY_H

#include "common/net/stream.h"
#include "smtpd/serve.h"
#include "smtpd/session/session.h"

/*
 * Carries octets until either end closes, or until connection_timeout passes without any. An order to stop, or a change
 * of the account, closes the claim: no further message is begun, and the one under way is finished.
 */
void atrn_relay(struct stream *client, struct session *session, const struct serve_stop *stop);

#endif
