/*
 * The public key of a selector as its TXT record has it (RFC 6376 3.6.1, RFC 8463), as a verifier reads it. Pure; the
 * text is untrusted.
 */
#ifndef COMMON_DKIM_DKIM_RECORD_H
#define COMMON_DKIM_DKIM_RECORD_H

#include "common/base/span.h"

enum {
	DKIM_RECORD_WHY_MAX = 200,
	DKIM_RECORD_KEY_MAX = 4096, /* octets of a key; those of RSA with 16384 bits are 2086 */
	DKIM_RECORD_RSA_MIN = 1024, /* bits, below which verifiers ignore a signature (RFC 8301) */
	DKIM_RECORD_RSA_GOOD = 2048
};

struct dkim_record {
	bool revoked;                  /* p= is empty */
	bool testing;                  /* t=y */
	bool strict;                   /* t=s: i= of a signature must be in the domain of d= itself */
	bool sha1_only;                /* h= without sha256 */
	bool not_email;                /* s= without email and * */
	bool ed25519;                  /* k=ed25519; otherwise rsa */
	unsigned bits;                 /* of an RSA key */
	size_t key_len;                /* 0 = revoked */
	char key[DKIM_RECORD_KEY_MAX]; /* a SubjectPublicKeyInfo of RSA, or the 32 octets of Ed25519 */
};

/*
 * Parses TEXT, the joined strings of one TXT record at SELECTOR._domainkey.DOMAIN. False with WHY
 * (DKIM_RECORD_WHY_MAX): no verifier can use it.
 */
bool dkim_record_parse(struct span text, struct dkim_record *out, char *why);

/* Whether both have the same public key; false if one is revoked. */
bool dkim_record_same(const struct dkim_record *a, const struct dkim_record *b);

#endif
