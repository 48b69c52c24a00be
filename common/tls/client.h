/*
 * TLS towards other hosts: the context of an outbound block, made before the jail, and the question whether the host at
 * the other end of a channel is the one that was meant (RFC 6125, RFC 8314). What is checked is said once, here:
 *
 *	off            nothing; there is no context
 *	opportunistic  any certificate, TLS 1.0 and on: better than clear
 *	encrypt        any certificate, TLS 1.2 and on
 *	verify         TLS 1.2 and on, and the certificate is the host's: from an authority of tls_ca, in force, not
 *	               revoked as far as tls_ca has lists, of the right name; or its fingerprint is in tls_fingerprint
 *
 * tls_fingerprint makes verify of encrypt and opportunistic (config_outbound_tls). Where DNS asks for more than these
 * two do, that holds (DANE, RFC 7672; config_outbound_dane): tls_client_demand, then tls_client_dane and
 * tls_client_check_dane.
 */
#ifndef COMMON_TLS_CLIENT_H
#define COMMON_TLS_CLIENT_H

#include "common/config/config.h"
#include "common/tls/channel.h"

enum { TLS_CLIENT_WHY_MAX = 400 };

/*
 * As root: reads tls_ca (or the system's authorities) and client_certificate. To be freed with SSL_CTX_free. NULL with
 * WHY in words for an administrator; also NULL, with WHY empty, when tls is off.
 */
struct ssl_ctx_st *tls_client_context(const struct config_outbound *outbound, char why[TLS_CLIENT_WHY_MAX]);

/* One context serves both blocks (SSL_CTX_up_ref): authorities are large, and a server may have thousands of blocks. */
bool tls_client_same_context(const struct config_outbound *a, const struct config_outbound *b);

/* The host that is meant. */
struct tls_client_expect {
	struct span name;        /* tls_name or the host's; empty = none, only the address tells */
	const struct ipaddr *ip; /* what the certificate may hold instead of a name; NULL when there is a name */
	struct config_words fingerprints;
};

/* After tls_channel_init, before the handshake: names the host that is meant (SNI). */
bool tls_client_name(struct tls_channel *c, const struct tls_client_expect *expect);

/* Before the handshake: TLS is a must here, so TLS 1.2 and on, though the context would take less. */
bool tls_client_demand(struct tls_channel *c);

/* Before the handshake, in place of tls_client_name: the host is the one that RECORDS (tlsa.h) tell of; NAMES, with
 * commas between, are those that it may have where they tell of its authority, the first is asked for. */
bool tls_client_dane(struct tls_channel *c, struct span names, struct span records);

/* After that handshake: one of the records fits. False with WHY, as below. */
bool tls_client_check_dane(const struct tls_channel *c, char why[TLS_CLIENT_WHY_MAX]);

/*
 * After the handshake: the host is the one that is meant, as far as `verify` above asks. False with WHY: what is wrong
 * and what to do, printable ASCII ("certificate is for other.example, not mx.partner.example; set tls_name ...").
 */
bool tls_client_check(const struct tls_channel *c, const struct tls_client_expect *expect,
		      char why[TLS_CLIENT_WHY_MAX]);

#endif
