/*
 * The extensions that a host offers (the lines of its reply to EHLO), as far as we use them. Pure; constant memory
 * whatever the host sends.
 */
#ifndef DELIVERY_SMTP_CAPABILITIES_H
#define DELIVERY_SMTP_CAPABILITIES_H

#include "common/base/span.h"

enum { CAPABILITIES_AUTH_MAX = 256, CAPABILITIES_MECHANISM_MAX = 20 /* RFC 4422 3.1 */ };

struct capabilities {
	bool pipelining;                  /* RFC 2920 */
	bool eight_bit;                   /* RFC 6152 */
	bool size;                        /* RFC 1870 */
	uint64_t size_max;                /* maximum message size in octets; 0 = not declared */
	bool dsn;                         /* RFC 3461 */
	bool starttls;                    /* RFC 3207 */
	bool etrn;                        /* RFC 1985 */
	char auth[CAPABILITIES_AUTH_MAX]; /* mechanisms in upper case, without duplicates, separated by blanks (RFC
					     4954) */
	size_t auth_len;
};

/*
 * Adds one line of the reply, without its code ("SIZE 1000"). Do not pass the first line, which is the host's name.
 * Unknown keywords and invalid parameters are ignored. Of a repeated keyword the last counts, but mechanisms add up:
 * old hosts send "AUTH=LOGIN" beside or in place of "AUTH LOGIN".
 */
void capabilities_add(struct capabilities *c, struct span line);

#endif
