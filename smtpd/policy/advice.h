/*
 * The smallest change that would turn a verdict, of the configuration or of the client, in words for the person who
 * edits the file: "to permit it, let the client authenticate, or add 10.1.2.3 to relay list at mailroot.conf:12". Pure.
 */
#ifndef SMTPD_POLICY_ADVICE_H
#define SMTPD_POLICY_ADVICE_H

#include "smtpd/policy/explain.h"

/* E is what explain_decide said about the recipient's DOMAIN. */
void advice_format(const struct config_server *server, const struct explanation *e, struct span domain, struct str *to);

#endif
