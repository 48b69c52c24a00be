/*
 * The first half of a dialogue: from the greeting over TLS and authentication to READY (RFC 5321, 3207, 4954). The
 * table of dialogue.h is its specification.
 */
#ifndef DELIVERY_SMTP_GREETING_H
#define DELIVERY_SMTP_GREETING_H

#include "delivery/smtp/dialogue.h"

enum {
	GREETING_ROUNDS_MAX = 10,  /* challenges of one AUTH; SCRAM has 2, GSSAPI 3 */
	GREETING_COMMAND_MAX = 510 /* octets of AUTH with an initial answer: beyond it the answer waits for a 334 */
};

/* A reply in GREETING, EHLO, HELO, STARTTLS or AUTH. */
enum dialogue_next greeting_step(struct dialogue *d, const struct reply *reply);

/* The handshake is done. */
enum dialogue_next greeting_secured(struct dialogue *d);

/* LINE is a challenge ("334 ..."), in AUTH: no ordinary reply, but up to SASL_LINE_MAX octets of base64. */
bool greeting_is_challenge(const struct dialogue *d, struct span line);
enum dialogue_next greeting_challenge(struct dialogue *d, struct span challenge);

#endif
