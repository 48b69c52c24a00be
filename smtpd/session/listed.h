/* The DNS lists of a session: asked when it begins, judged at RCPT. */
#ifndef SMTPD_SESSION_LISTED_H
#define SMTPD_SESSION_LISTED_H

#include "smtpd/session/session.h"

/*
 * Whether lists and the pause before the greeting are for the client: it is not authenticated, not excepted, and may
 * not relay. *WANTS_NAME: as in listing_skip.
 */
bool listed_stranger(const struct session *s, bool *wants_name);

/* The client has connected: begins to ask the lists about a stranger. */
void listed_begin(struct session *s);

/* Whether RCPT, which the policy accepts, may go on. If not, the refusal was sent. */
bool listed_permits(struct session *s, const struct address *rcpt);

/* Forgets a question that is under way. */
void listed_end(struct session *s);

/* The same, and the verdict: the client is another one now. */
void listed_forget(struct session *s);

#endif
