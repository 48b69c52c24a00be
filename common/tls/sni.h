/*
 * Which certificates are shown to a client that asked for a name (SNI): of each kind of key the first in the file that
 * has the name, rather by itself than by a wildcard. Who asks for nothing, or for what no certificate has, or for what
 * is no name at all, is shown what he would be shown who asks for the first name of the first certificate. Pure.
 */
#ifndef COMMON_TLS_SNI_H
#define COMMON_TLS_SNI_H

#include "common/base/span.h"

enum { TLS_SNI_CERTIFICATES = 32 };

struct tls_sni_certificate {
	int kind; /* of its key: RSA, EC, ... */
	const struct span *names;
	size_t name_count;
};

/* A certificate's NAME, which may be "*.example.com" for one label in place of the asterisk, stands for ASKED. */
bool tls_sni_match(struct span name, struct span asked);

/* A set of (1 << index) with at most one certificate of each kind: empty only for COUNT 0, which is at most
 * TLS_SNI_CERTIFICATES. ASKED may hold any octets. */
uint32_t tls_sni_choose(const struct tls_sni_certificate *certificates, size_t count, struct span asked);

#endif
