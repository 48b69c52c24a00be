/* DKIM key records (RFC 6376 3.6.1, RFC 8463), as a verifier reads them. Pure; the text is untrusted. */
#ifndef CTL_DOCTOR_DKIM_H
#define CTL_DOCTOR_DKIM_H

#include "common/base/span.h"

enum { DKIM_WHY_MAX = 200, DKIM_RSA_MIN = 1024, DKIM_RSA_GOOD = 2048 };

struct dkim_key {
	bool revoked;   /* p= is empty */
	bool testing;   /* t=y */
	bool ed25519;   /* k=ed25519; otherwise rsa */
	bool sha1_only; /* h= without sha256 */
	bool not_email; /* s= without email and * */
	unsigned bits;  /* of an RSA key */
};

/* Parses TEXT, the joined strings of a TXT record at SELECTOR._domainkey.DOMAIN. False with WHY: no verifier can use
 * it. */
bool dkim_parse(struct span text, struct dkim_key *out, char *why);

#endif
