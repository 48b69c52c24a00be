/*
 * One authentication to a host, as the dialogue sees it: lines in, lines out, all base64. sasl.c has the mechanisms;
 * tests of the dialogue have one of their own.
 */
#ifndef DELIVERY_SASL_H
#define DELIVERY_SASL_H

#include "common/base/str.h"

enum { SASL_LINE_MAX = 12288 /* RFC 4954 4 */ };

struct sasl {
	void *context;
	/* Appends what follows AUTH and a blank: "PLAIN AGEAYg==", or the name alone. MECHANISMS: what the host offers,
	 * words separated by blanks. False with *why: none of it is the one wanted. */
	bool (*begin)(void *context, struct span mechanisms, struct str *to, const char **why);
	/* The host said 334 CHALLENGE: appends the answer. False: cancel, for the host is wrong or not who it says. */
	bool (*answer)(void *context, struct span challenge, struct str *to, const char **why);
	/* The host said 235. False with *why: it has not proved that it knows us. */
	bool (*finish)(void *context, const char **why);
};

#endif
