/*
 * One TLS connection over a stream, server or client side (server.h and client.h make the contexts). After a handshake
 * the stream works as before, with its deadlines, through a layer. Blocks as the stream does. Renegotiation is refused.
 * A peer that updates its keys all the time is cut off. A close without close_notify is an end of file like any other.
 */
#ifndef COMMON_TLS_CHANNEL_H
#define COMMON_TLS_CHANNEL_H

#include "common/net/stream.h"

struct bio_method_st;
struct ssl_ctx_st;
struct ssl_st;

enum { TLS_WHY_MAX = 200, TLS_BINDING_MAX = 64, TLS_PEER_MAX = 256 };

enum tls_result {
	TLS_OK,
	TLS_TIMEOUT, /* the stream's deadline */
	TLS_CLOSED,  /* the peer closed the connection */
	TLS_FAILED   /* one side refuses the other, or the peer does not speak TLS */
};

/* The negotiated parameters, for logs and Received: texts are static. */
struct tls_facts {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
	int bits;            /* of the key */
	bool resumed;
};

struct tls_channel {
	struct ssl_st *ssl; /* NULL = no TLS */
	struct stream *stream;
	struct bio_method_st *method;
	int socket_errno; /* error of the socket in the last call; 0 = end of file */
	bool cut_short;   /* the last send was incomplete */
	int handshaking;  /* handshake messages that the peer has sent, and handshakes that were refused */
};

/*
 * Call once in each process that uses TLS, before its jail: OpenSSL loads all it needs, without openssl.cnf. False:
 * OpenSSL can't be used, or has no random octets.
 */
bool tls_channel_prepare(void);

/* Borrows CONTEXT and STREAM. False: no memory. */
bool tls_channel_init(struct tls_channel *c, struct ssl_ctx_st *context, struct stream *stream);

/*
 * Runs the handshake within the stream's deadline. After TLS_OK the whole stream goes through TLS. Otherwise WHY has
 * the reason for an administrator ("the client supports only TLSv1.0; tls_min is 1.2"), printable ASCII.
 */
enum tls_result tls_channel_accept(struct tls_channel *c, char why[TLS_WHY_MAX]);
enum tls_result tls_channel_connect(struct tls_channel *c, char why[TLS_WHY_MAX]);

void tls_channel_facts(const struct tls_channel *c, struct tls_facts *out);

/*
 * Channel binding for SCRAM-PLUS: "tls-exporter" (RFC 9266) with TLS 1.3, "tls-unique" with 1.2. Returns the number of
 * octets in OUT, 0 = none.
 */
size_t tls_channel_binding(const struct tls_channel *c, bool exporter, unsigned char out[TLS_BINDING_MAX]);

/*
 * Sends close_notify without waiting, and frees all. The stream then receives raw octets, to be discarded, and sends
 * nothing more. Harmless without TLS.
 */
void tls_channel_close(struct tls_channel *c);

#endif
