/* What `mailrootctl explain relay` says about a client and a recipient: the decisions of policy.h together. Pure. */
#ifndef SMTPD_POLICY_EXPLAIN_H
#define SMTPD_POLICY_EXPLAIN_H

#include "common/mail/address.h"
#include "smtpd/policy/policy.h"
#include "smtpd/protocol/replies.h"

/* Connection control, then MAIL, then the relay rules as if no earlier rule had refused the client. */
struct explanation {
	const struct policy_client *client; /* borrowed */
	struct policy_decision connect, mail, relay;
	bool accepted;
};

/* CLIENT's name is not POLICY_NAME_UNASKED: nothing is looked up here. DOMAIN as in policy_relay_decide. */
void explain_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
		    struct explanation *out);

/* The refusal that policy_mail_decide decided; REPLY_NONE when it accepted. */
enum reply_id explain_mail_reply(const struct policy_decision *mail);

/* The reply, with its CRLF, that the client would get to its connection, MAIL or RCPT. */
void explain_reply(const struct explanation *e, const struct address *rcpt, struct str *to);

#endif
