/* The text of an SPF record as terms (RFC 7208 4.6, 5, 12). Pure. */
#ifndef CTL_DOCTOR_SPF_RECORD_H
#define CTL_DOCTOR_SPF_RECORD_H

#include "common/mail/cidr.h"

enum { SPF_RECORD_MAX = 4096, SPF_TERMS_MAX = 128, SPF_WHY_MAX = 200, SPF_V4_BITS = 32, SPF_V6_BITS = 128 };

enum spf_kind { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS, SPF_KIND_COUNT };

struct spf_term {
	enum spf_kind kind;
	char qualifier;     /* '+', '-', '~' or '?' */
	struct span text;   /* as written */
	struct span domain; /* with macros; empty = the domain of the record */
	unsigned v4_bits, v6_bits;
	struct cidr net; /* of ip4 and ip6 */
};

struct spf_record {
	struct spf_term terms[SPF_TERMS_MAX];
	size_t n;
	struct span redirect; /* empty = none */
};

/* Whether TEXT, the joined strings of a TXT record, is an SPF record of version 1. */
bool spf_record_is(struct span text);

/* Parses such a TEXT, into which *OUT points. False with WHY (SPF_WHY_MAX): a syntax error, wherever it is. */
bool spf_record_parse(struct span text, struct spf_record *out, char *why);

#endif
