/* Recognizes replies that require authentication or refuse it, and gives advice. Pure. */
#ifndef DELIVERY_SMTP_REFUSAL_H
#define DELIVERY_SMTP_REFUSAL_H

#include "common/mail/reply.h"

/*
 * REPLY to MAIL, RCPT or DATA is not about the message: the host requires authentication or TLS (RFC 4954 6, RFC 3207
 * 4).
 */
bool refusal_wants_proof(const struct reply *reply);

/* The same, and TLS is what is missing. */
bool refusal_wants_tls(const struct reply *reply);

/* A 5xx REPLY says that our account has sent as much as it may for now: the mail can go later, so it waits. */
bool refusal_will_pass(const struct reply *reply);

/* The remedy for a 4xx or 5xx REPLY to AUTH, with an access TOKEN or with a password; "" = try again later. */
const char *refusal_cure(const struct reply *reply, bool token);

/*
 * Adds the remedy for postmaster to the text of a REPLY with which a provider objects to the mailbox that we use
 * (common/mail/provider_reply.h), whatever the command was. Its own text is cut where both do not fit.
 */
void refusal_explain(struct reply *reply);

#endif
