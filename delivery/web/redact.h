/*
 * What an issuer says may quote what it was asked with, and goes to logs, `mailrootctl status` and notices: secrets are
 * taken out before. Pure.
 */
#ifndef DELIVERY_WEB_REDACT_H
#define DELIVERY_WEB_REDACT_H

#include <stddef.h>

enum { REDACT_WORD_MAX = 64 /* octets; tokens and assertions are longer, names and addresses are not */ };

/* Replaces each SECRET in TEXT by stars; NULL and short ones are passed over. */
void redact_secret(char *text, const char *secret);

/* Replaces what is longer than REDACT_WORD_MAX without a blank by stars. */
void redact_long(char *text);

#endif
