/*
 * What the client rules of the configuration permit a client (mailroot.conf(5), "Rules for clients"): the first rule
 * that fits it holds, and no other. Pure; part of the decisions of policy.h.
 */
#ifndef SMTPD_POLICY_RULES_H
#define SMTPD_POLICY_RULES_H

#include "smtpd/policy/policy.h"

enum { RULES_FROM_MAX = 4096 /* octets of all fields From of a message that are looked at */ };

/*
 * The rule that fits CLIENT; NULL = none, and all its mail is permitted. *WANTS_NAME as in struct policy_decision: the
 * result is NULL and means nothing.
 */
const struct config_client_rule *rules_find(const struct config_server *server, const struct policy_client *client,
					    bool *wants_name);

/* Part of policy_mail_decide, for MAIL: appends the steps, and sets *out's wants_name and accepted. */
void rules_mail_decide(const struct config_server *server, const struct policy_client *client,
		       const struct policy_mail *mail, struct policy_decision *out);

/*
 * Decides whether the client may send to RCPT. STAMP: the domain that policy_relay_decide gives it; NULL = its own. No
 * step where no rule says so.
 */
void rules_rcpt_decide(const struct config_server *server, const struct policy_client *client,
		       const struct address *rcpt, const char *stamp, struct policy_decision *out);

/*
 * Decides whether the client may send a message whose fields From, with their names and line ends, are FROM. CUT: there
 * is more of them. No step where no rule says so. A message without From is accepted.
 */
void rules_from_decide(const struct config_server *server, const struct policy_client *client, struct span from,
		       bool cut, struct policy_decision *out);

/* policy_step_format for a step of a client rule. */
void rules_step_format(const struct policy_step *step, struct str *to);

#endif
