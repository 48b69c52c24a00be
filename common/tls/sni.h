/*
 * Chooses certificates by the server name of the client (SNI): for each key type the first in the file that has the
 * name, exact names before wildcards. A client without SNI, or with a name that no certificate has, or with an invalid
 * name, gets the certificates for the first name of the first certificate. Pure.
 */
#ifndef COMMON_TLS_SNI_H
#define COMMON_TLS_SNI_H

#include "common/base/span.h"

enum { TLS_SNI_CERTIFICATES = 32 };

struct tls_sni_certificate {
	int kind; /* type of its key: RSA, EC, ... */
	const struct span *names;
	size_t name_count;
};

/* Whether a certificate's NAME, which may be "*.example.com" for one label in place of the asterisk, matches ASKED. */
bool tls_sni_match(struct span name, struct span asked);

/*
 * Returns a set of (1 << index) with at most one certificate of each key type: empty only for COUNT 0. COUNT is at most
 * TLS_SNI_CERTIFICATES. ASKED may hold any octets.
 */
uint32_t tls_sni_choose(const struct tls_sni_certificate *certificates, size_t count, struct span asked);

#endif
