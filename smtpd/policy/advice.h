/*
 * The smallest change of the configuration or of the client that would reverse a verdict, in words for the person who
 * edits the file: "to permit it, let the client authenticate, or add 10.1.2.3 to relay list at mailroot.conf:12". Pure.
 */
#ifndef SMTPD_POLICY_ADVICE_H
#define SMTPD_POLICY_ADVICE_H

#include "smtpd/policy/explain.h"

/* E is a result of explain_decide. */
void advice_format(const struct config_server *server, const struct explanation *e, struct str *to);

#endif
