/* What `mailrootctl explain relay` says about a client and a recipient: the decisions of policy.h, put together. Pure.
 */
#ifndef SMTPD_EXPLAIN_H
#define SMTPD_EXPLAIN_H

#include "common/mail/address.h"
#include "smtpd/policy.h"

/* Connection control, then the relay order as if the client were connected. */
struct explanation {
	const struct policy_client *client; /* borrowed */
	struct policy_decision connect, relay;
	bool accepted;
};

/* CLIENT's name is not POLICY_NAME_UNASKED: nobody is asked here. DOMAIN as in policy_relay_decide. */
void explain_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
		    struct explanation *out);

/* The reply that the client would get, to its connection or to RCPT, with its CRLF. */
void explain_reply(const struct explanation *e, const struct address *rcpt, struct str *to);

#endif
