/* The members of an alias (alias.h) become recipients of a message in its place. */
#ifndef SMTPD_ACCEPT_MEMBERS_H
#define SMTPD_ACCEPT_MEMBERS_H

#include "common/recipients/alias.h"
#include "smtpd/accept/recipients.h"

/* How many members of ALIAS are not in R yet. */
size_t members_new(const struct recipients *r, const struct alias *alias);

/*
 * Adds the members of ALIAS, which is RCPT: all of them, or none with NO_MEMORY. DSN: the notices requested for RCPT
 * (RFC 3461 5.2.7). A single member gets the request as it is. With more of them none gets SUCCESS; R gets the alias,
 * too, so that the sender is told that it was expanded, if TELLS: there is a sender. ORCPT names the alias unless the
 * request has one.
 */
enum recipients_result members_add(struct recipients *r, const struct alias *alias, const struct address *rcpt,
				   const struct dsn_rcpt *dsn, bool tells);

#endif
