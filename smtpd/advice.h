/*
 * The smallest change of the configuration that would turn a verdict, in words for the person who edits the file: "to
 * permit it, add 10.1.2.3 to relay list at mailroot.conf:12". Pure.
 */
#ifndef SMTPD_ADVICE_H
#define SMTPD_ADVICE_H

#include "smtpd/policy.h"

/* CONNECT and RELAY are what policy.h decided for CLIENT and the recipient's DOMAIN, RELAY as if it were connected. */
void advice_format(const struct config_server *server, const struct policy_client *client, struct span domain,
		   const struct policy_decision *connect, const struct policy_decision *relay, struct str *to);

#endif
