/*
 * The first half of a dialogue: greeting, TLS and authentication, up to READY (RFC 5321, 3207, 4954). dialogue.h has
 * the table of states.
 */
#ifndef DELIVERY_SMTP_GREETING_H
#define DELIVERY_SMTP_GREETING_H

#include "delivery/smtp/dialogue.h"

enum {
	GREETING_ROUNDS_MAX = 10,  /* challenges of one AUTH; SCRAM has 2, GSSAPI 3 */
	GREETING_COMMAND_MAX = 510 /* octets of AUTH with an initial answer: a longer answer waits for a 334 */
};

/* Takes a reply in GREETING, EHLO, HELO, STARTTLS or AUTH. */
enum dialogue_next greeting_step(struct dialogue *d, const struct reply *reply);

/* The handshake is done. */
enum dialogue_next greeting_secured(struct dialogue *d);

/* LINE is a challenge of AUTH ("334 ..."): no ordinary reply, but up to SASL_LINE_MAX octets of base64. */
bool greeting_is_challenge(const struct dialogue *d, struct span line);
enum dialogue_next greeting_challenge(struct dialogue *d, struct span challenge);

#endif
