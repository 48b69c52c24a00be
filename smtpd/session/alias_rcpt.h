/* RCPT for an alias: its members become recipients in its place (alias.h). */
#ifndef SMTPD_SESSION_ALIAS_RCPT_H
#define SMTPD_SESSION_ALIAS_RCPT_H

#include "smtpd/session/session.h"

/* Takes RCPT, for which known_decide says LEADS by LISTS, with its request DSN for notices. Sends the reply. */
void alias_rcpt(struct session *s, const struct known_lists *lists, const struct address *rcpt,
		const struct dsn_rcpt *dsn);

#endif
