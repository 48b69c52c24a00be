/* The header field DKIM-Signature (RFC 6376 3.5). Pure. */
#ifndef COMMON_DKIM_SIGNATURE_H
#define COMMON_DKIM_SIGNATURE_H

#include "common/base/str.h"
#include "common/dkim/canon.h"
#include "common/dkim/dkim_fields.h"

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };

enum {
	DKIM_HASH = 32,            /* octets of SHA-256 */
	DKIM_SIGNATURE_MAX = 1024, /* octets that a key makes: RSA of 8192 bits */
	DKIM_SIGNATURE_FIELD_MAX = 32 * 1024
};

/* As a= says it: "rsa-sha256". */
const char *dkim_algorithm_word(enum dkim_algorithm algorithm);

struct dkim_signature {
	enum dkim_algorithm algorithm;
	enum dkim_canon header, body;
	struct span domain, selector;
	int64_t time_s;   /* of the wall clock */
	int64_t expire_s; /* of the wall clock; 0 = never */
	const struct dkim_fields *fields;
	const uint8_t *body_hash; /* DKIM_HASH octets */
};

/*
 * Appends the field, folded, with b= of the SIGNATURE in base64, and a CRLF at its end. An empty SIGNATURE gives the
 * field that is hashed, without the CRLF (3.7).
 */
void dkim_signature_write(const struct dkim_signature *s, struct span signature, struct str *to);

#endif
