/*
 * What a session asks about the rates of `client`, and of the client rule, in the configuration. Each function that
 * returns false has sent the refusal. Without session.usage nothing is counted and nothing is refused.
 */
#ifndef SMTPD_SESSION_RATES_H
#define SMTPD_SESSION_RATES_H

#include "smtpd/session/session.h"

/* MAIL: one more message, and the DECLARED octets of it. */
bool rates_message(struct session *s, uint64_t declared);

/* RCPT: one more recipient. */
bool rates_recipient(struct session *s);

/* A message was taken with so many octets. */
void rates_octets(struct session *s, uint64_t octets);

/* A reply from 500 on is about to be sent. False: 421 was sent in its place, and the session is over. */
bool rates_error(struct session *s);

#endif
