/*
 * What a session asks the policy about its client (policy.h, rules.h), with the client's name if a list wants one. An
 * enum reply_id is REPLY_NONE or the refusal, for session_say.
 */
#ifndef SMTPD_SESSION_PERMITS_H
#define SMTPD_SESSION_PERMITS_H

#include "smtpd/session/session.h"

/* policy_mail_decide. */
enum reply_id permits_mail(struct session *s, const struct policy_mail *mail);

/* rules_rcpt_decide. */
enum reply_id permits_recipient(struct session *s, const struct address *rcpt, const char *stamp);

/* At the end of a message: rules_from_decide. */
enum reply_id permits_from(struct session *s);

/* What the client rule says of the text of a message: lowers LIMITS. */
void permits_limits(struct session *s, struct transaction_limits *limits);

/* policy_is_ours. */
bool permits_is_ours(struct session *s);

/* The client rule that holds; NULL = none. */
const struct config_client_rule *permits_rule(const struct session *s);

#endif
