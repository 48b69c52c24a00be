/*
 * TLS of a virtual server's listeners: one context with all its certificates, made as root before the jail and shared
 * by all workers that are forked later. What is spoken:
 *
 *	tls_min 1.2, 1.3   ECDHE with AES-GCM or ChaCha20-Poly1305 only, so always forward secrecy
 *	tls_min 1.0, 1.1   also AES-CBC and the exchange of keys by RSA, for old devices
 *
 * Never renegotiation, compression, early data or a question for the client's certificate.
 */
#ifndef COMMON_TLS_SERVER_H
#define COMMON_TLS_SERVER_H

#include "common/config/config.h"

struct ssl_ctx_st;
struct tls_server;

/*
 * Reads the certificates and keys of ACCESS, which must name at least one. NULL with WHY appended: which file is not
 * right, where it was written, what to do. A key that is still right while its certificate has expired is taken: who
 * does not look at dates is better served than nobody.
 */
struct tls_server *tls_server_new(const struct config_access *access, struct str *why);
void tls_server_free(struct tls_server *server); /* NULL is fine */

/* For tls_channel_init; borrowed. */
struct ssl_ctx_st *tls_server_context(const struct tls_server *server);

#endif
