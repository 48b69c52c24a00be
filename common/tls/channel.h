/*
 * One TLS connection over a stream, server or client side (server.h, client.h make the contexts). After a handshake the
 * stream works as before, with its deadlines, through a layer. Blocks as the stream does. Renegotiation is refused,
 * and a peer that renews its keys all the time is cut off; what it closes without close_notify is an end of file like
 * any other.
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
	TLS_CLOSED,  /* the peer hung up */
	TLS_FAILED   /* the peer is not acceptable, or we are not to it, or it does not speak TLS */
};

/* What was agreed on, for logs and Received: texts are static. */
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
	int socket_errno; /* why the socket gave or took nothing the last time; 0 = its end */
	bool cut_short;   /* the socket took less than it was given */
	int handshaking;  /* messages of handshakes that the peer has sent, and handshakes that we refused */
};

/* Once in each process that speaks TLS, before its jail: what OpenSSL loads it loads now, and no openssl.cnf. False
 * when it can't be used, or has no random octets. */
bool tls_channel_prepare(void);

/* CONTEXT and STREAM are borrowed. False without memory. */
bool tls_channel_init(struct tls_channel *c, struct ssl_ctx_st *context, struct stream *stream);

/*
 * The handshake within the stream's deadline. After TLS_OK all of the stream goes through TLS. Otherwise WHY says in
 * words for an administrator what happened ("the client speaks TLSv1.0 at most; tls_min is 1.2"), printable ASCII.
 */
enum tls_result tls_channel_accept(struct tls_channel *c, char why[TLS_WHY_MAX]);
enum tls_result tls_channel_connect(struct tls_channel *c, char why[TLS_WHY_MAX]);

void tls_channel_facts(const struct tls_channel *c, struct tls_facts *out);

/* Channel binding for SCRAM-PLUS: "tls-exporter" (RFC 9266) with TLS 1.3, "tls-unique" with 1.2. The number of octets
 * in OUT, 0 = there is none. */
size_t tls_channel_binding(const struct tls_channel *c, bool exporter, unsigned char out[TLS_BINDING_MAX]);

/*
 * Says close_notify without waiting for anybody, and releases. What the stream receives from then on are the octets as
 * they come, to be thrown away, and it sends nothing more. Harmless when there is no TLS.
 */
void tls_channel_close(struct tls_channel *c);

#endif
