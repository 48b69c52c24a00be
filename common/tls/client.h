/*
 * TLS to other hosts: the context of an outbound block, made before the jail, and the verification that a channel leads
 * to the intended host (RFC 6125, RFC 8314). The levels:
 *
 *	off            nothing; there is no context
 *	opportunistic  any certificate, TLS 1.0 and later: better than clear text
 *	encrypt        any certificate, TLS 1.2 and later
 *	verify         TLS 1.2 and later, and the certificate is the host's: from an authority of tls_ca, within its
 *dates, not revoked by a list in tls_ca, with the right name; or its fingerprint is in tls_fingerprint
 *
 * tls_fingerprint turns encrypt and opportunistic into verify (config_outbound_tls). If DNS demands more than the
 * configuration, DNS counts (DANE, RFC 7672; config_outbound_dane): tls_client_demand, then tls_client_dane and
 * tls_client_check_dane.
 */
#ifndef COMMON_TLS_CLIENT_H
#define COMMON_TLS_CLIENT_H

#include "common/config/config.h"
#include "common/tls/channel.h"

enum { TLS_CLIENT_WHY_MAX = 400 };

/*
 * As root: reads tls_ca (or the system's authorities) and client_certificate. Free it with SSL_CTX_free. On failure
 * NULL with WHY for an administrator; also NULL, with WHY empty, when tls is off.
 */
struct ssl_ctx_st *tls_client_context(const struct config_outbound *outbound, char why[TLS_CLIENT_WHY_MAX]);

/*
 * Whether one context can serve both blocks (SSL_CTX_up_ref): authorities are large, and a server may have thousands of
 * blocks.
 */
bool tls_client_same_context(const struct config_outbound *a, const struct config_outbound *b);

/* The intended host. */
struct tls_client_expect {
	struct span name; /* tls_name or the host's name; empty = none, only the address is known */
	const struct ipaddr
		*ip; /* the address that the certificate may have instead of a name; NULL when there is a name */
	struct config_words fingerprints;
};

/* After tls_channel_init, before the handshake: sets the name for SNI. */
bool tls_client_name(struct tls_channel *c, const struct tls_client_expect *expect);

/* Before the handshake: TLS is required, so TLS 1.2 and later, even if the context permits less. */
bool tls_client_demand(struct tls_channel *c);

/*
 * Before the handshake, in place of tls_client_name: RECORDS (tlsa.h) identify the host. NAMES, separated by commas,
 * are its permitted names where the records identify an authority; the first is used for SNI.
 */
bool tls_client_dane(struct tls_channel *c, struct span names, struct span records);

/* After that handshake: whether one of the records matches. False with WHY, as below. */
bool tls_client_check_dane(const struct tls_channel *c, char why[TLS_CLIENT_WHY_MAX]);

/*
 * After the handshake: whether this is the intended host, as `verify` above requires. False with WHY: the fault and the
 * remedy, printable ASCII ("certificate is for other.example, not mx.partner.example; set tls_name ...").
 */
bool tls_client_check(const struct tls_channel *c, const struct tls_client_expect *expect,
		      char why[TLS_CLIENT_WHY_MAX]);

#endif
