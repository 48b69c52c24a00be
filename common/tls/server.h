/*
 * TLS of a virtual server's listeners: one context with all its certificates, made as root before the jail and shared
 * by all workers that are forked later. Permitted:
 *
 *	tls_min 1.2, 1.3   ECDHE with AES-GCM or ChaCha20-Poly1305 only, so always forward secrecy
 *	tls_min 1.0, 1.1   also AES-CBC and RSA key exchange, for old devices
 *
 * Never renegotiation, compression, early data, or a request for a client certificate.
 */
#ifndef COMMON_TLS_SERVER_H
#define COMMON_TLS_SERVER_H

#include "common/config/config.h"

struct ssl_ctx_st;
struct tls_server;

/*
 * Reads the certificates and keys of ACCESS, which must name at least one. On failure NULL with WHY appended: the file,
 * the line that names it, and the remedy. An expired certificate is accepted: clients that ignore dates are better
 * served than not at all.
 */
struct tls_server *tls_server_new(const struct config_access *access, struct str *why);
void tls_server_free(struct tls_server *server); /* NULL is fine */

/* For tls_channel_init; borrowed. */
struct ssl_ctx_st *tls_server_context(const struct tls_server *server);

#endif
