/* The ESMTP parameters of MAIL and RCPT. Pure; every number is bounded before it is used. */
#ifndef SMTPD_PROTOCOL_PARAMS_H
#define SMTPD_PROTOCOL_PARAMS_H

#include "common/mail/dsn.h"

enum params_allowed {
	PARAMS_SIZE = 1 << 0,
	PARAMS_BODY = 1 << 1,
	PARAMS_AUTH = 1 << 2, /* the submitter that another host claims (RFC 4954 5): syntax checked, then ignored */
	PARAMS_RET = 1 << 3,
	PARAMS_ENVID = 1 << 4,
	PARAMS_NOTIFY = 1 << 5,
	PARAMS_ORCPT = 1 << 6
};

enum params_result {
	PARAMS_OK,
	PARAMS_UNKNOWN, /* a parameter that is not allowed here: 555 */
	PARAMS_BAD      /* an invalid value: 501 */
};

struct params {
	uint64_t size;              /* declared octets, 0 = not declared; a number beyond 64 bits is UINT64_MAX */
	bool eight_bit;             /* BODY=8BITMIME */
	struct dsn_message message; /* RET, ENVID; the span points into the text */
	struct dsn_rcpt rcpt;       /* NOTIFY, ORCPT */
	struct span culprit;        /* the parameter that was not OK */
};

/* Parses what follows the path: words separated by blanks. ALLOWED: enum params_allowed. */
enum params_result params_parse(struct span text, unsigned allowed, struct params *out);

#endif
