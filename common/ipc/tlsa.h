/*
 * The TLSA records of a host (RFC 6698), as far as mail uses them (RFC 7672): a digest of the host's own certificate or
 * of an authority's. As text three digits and the digest in hexadecimal, "311e3b0...", in a list separated by commas.
 * Pure.
 */
#ifndef COMMON_IPC_TLSA_H
#define COMMON_IPC_TLSA_H

#include "common/base/str.h"

enum {
	TLSA_MAX = 16, /* records of one host; hosts with many have four */
	TLSA_DIGEST_MAX = 64,
	TLSA_TEXT_MAX = 3 + 2 * TLSA_DIGEST_MAX,
	TLSA_LIST_MAX = TLSA_MAX * (TLSA_TEXT_MAX + 1)
};

enum tlsa_usage { TLSA_AUTHORITY = 2, TLSA_HOST = 3 };     /* DANE-TA, DANE-EE */
enum tlsa_selector { TLSA_CERTIFICATE = 0, TLSA_KEY = 1 }; /* the object of the digest */
enum tlsa_matching { TLSA_SHA256 = 1, TLSA_SHA512 = 2 };

struct tlsa {
	enum tlsa_usage usage;
	enum tlsa_selector selector;
	enum tlsa_matching matching;
	unsigned char digest[TLSA_DIGEST_MAX];
};

/* Octets of T's digest. */
size_t tlsa_len(const struct tlsa *t);

/* Appends T, after a comma if TO is not empty. */
void tlsa_append(struct str *to, const struct tlsa *t);

/*
 * Takes the next record off *list: 1 = *out filled, 0 = end, -1 = invalid (anything that tlsa_append does not write).
 */
int tlsa_next(struct span *list, struct tlsa *out);

#endif
