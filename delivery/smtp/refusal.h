/*
 * What a host means that wants us to authenticate, or refuses how we did: in words, with what helps. Pure.
 */
#ifndef DELIVERY_SMTP_REFUSAL_H
#define DELIVERY_SMTP_REFUSAL_H

#include "common/mail/reply.h"

/* REPLY, to MAIL, RCPT or DATA, says nothing of the message: the host takes mail from nobody who has not authenticated,
 * or not without TLS (RFC 4954 6, RFC 3207 4). */
bool refusal_wants_proof(const struct reply *reply);

/* The same, and it is TLS that is missing. */
bool refusal_wants_tls(const struct reply *reply);

/* What helps against REPLY to AUTH, which is 4xx or 5xx; "" = to try again later. */
const char *refusal_cure(const struct reply *reply);

#endif
