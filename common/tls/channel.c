#include "common/tls/channel.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/ipc/counters.h"

/* RFC 9266 */
static const char exporter_label[] = "EXPORTER-Channel-Binding";
enum {
	EXPORTER_LEN = 32,
	HANDSHAKING_MAX = 100 /* the handshake has ten; keys are renewed after 2^24 records (RFC 8446 5.5) */
};

bool tls_channel_prepare(void)
{
	const uint64_t what =
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS;
	return OPENSSL_init_ssl(what, NULL) == 1 && RAND_status() == 1;
}

/*
 * OpenSSL sees every socket error as "try again", so that after a time-out of reading a last reply can still be sent;
 * socket_errno keeps the error.
 */
static int from_socket(BIO *bio, char *to, int size)
{
	struct tls_channel *c = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (c->handshaking > HANDSHAKING_MAX)
		return -1;
	ssize_t n = stream_socket_receive(c->stream, to, (size_t)size);
	if (n > 0)
		return (int)n;
	c->socket_errno = n < 0 ? errno : 0;
	BIO_set_retry_read(bio);
	return -1;
}

/* OpenSSL sends the rest of a record by itself: a peer that reads slowly must not outlast the phase. */
static bool lasts_too_long(const struct tls_channel *c)
{
	return c->cut_short && c->stream->deadline != INT64_MAX && clock_mono_ms() >= c->stream->deadline;
}

static int to_socket(BIO *bio, const char *from, int size)
{
	struct tls_channel *c = BIO_get_data(bio);
	ssize_t n = -1;
	BIO_clear_retry_flags(bio);
	/* One read may bring hundreds of key updates, and each wants an answer. */
	if (c->handshaking > HANDSHAKING_MAX)
		return -1;
	errno = ETIMEDOUT;
	if (!lasts_too_long(c))
		n = stream_socket_send(c->stream, from, (size_t)size);
	c->cut_short = n >= 0 && n < size;
	if (n >= 0)
		return (int)n;
	c->socket_errno = errno;
	BIO_set_retry_write(bio);
	return -1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO *socket_bio(struct tls_channel *c)
{
	c->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");
	if (!c->method || !BIO_meth_set_read(c->method, from_socket) || !BIO_meth_set_write(c->method, to_socket) ||
	    !BIO_meth_set_ctrl(c->method, control))
		return NULL;
	BIO *bio = BIO_new(c->method);
	if (bio) {
		BIO_set_data(bio, c);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* Counts what a peer can repeat without any data for the application: messages of handshakes, and refusals of them. */
static void count_handshaking(int sent, int version, int kind, const void *octets, size_t len, SSL *ssl, void *context)
{
	(void)version, (void)octets, (void)len, (void)ssl;
	struct tls_channel *c = context;
	if (kind == (sent ? SSL3_RT_ALERT : SSL3_RT_HANDSHAKE))
		c->handshaking++;
}

static void release(struct tls_channel *c)
{
	SSL_free(c->ssl);
	BIO_meth_free(c->method);
	c->ssl = NULL;
	c->method = NULL;
	ERR_clear_error();
}

bool tls_channel_init(struct tls_channel *c, SSL_CTX *context, struct stream *stream)
{
	*c = (struct tls_channel){.stream = stream};
	c->ssl = SSL_new(context);
	BIO *bio = c->ssl ? socket_bio(c) : NULL;
	if (!bio) {
		release(c);
		return false;
	}
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
	SSL_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_set_read_ahead(c->ssl, 1);
	SSL_set_msg_callback(c->ssl, count_handshaking);
	SSL_set_msg_callback_arg(c->ssl, c);
	return true;
}

/* The result of a stream's layer after a call of SSL that did nothing. */
static ssize_t nothing_done(struct tls_channel *c, int returned)
{
	switch (SSL_get_error(c->ssl, returned)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
		errno = c->socket_errno;
		return errno ? -1 : 0;
	case SSL_ERROR_WANT_WRITE:
		errno = c->socket_errno;
		return -1;
	default:
		errno = EPROTO;
		return -1;
	}
}

static int bounded(size_t size)
{
	return size < INT32_MAX ? (int)size : INT32_MAX;
}

static ssize_t receive(void *context, void *to, size_t size)
{
	struct tls_channel *c = context;
	ERR_clear_error();
	int n = SSL_read(c->ssl, to, bounded(size));
	return n > 0 ? n : nothing_done(c, n);
}

static ssize_t send_text(void *context, const void *from, size_t size)
{
	struct tls_channel *c = context;
	ERR_clear_error();
	int n = SSL_write(c->ssl, from, bounded(size));
	if (n > 0)
		return n;
	if (nothing_done(c, n) == 0)
		errno = EPIPE;
	return -1;
}

/* --- the handshake --- */

__attribute__((format(printf, 2, 3))) static void say(char why[TLS_WHY_MAX], const char *format, ...)
{
	char text[TLS_WHY_MAX];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		len = 0;
	span_clean((struct span){text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1}, why, TLS_WHY_MAX);
}

static const char *version_name(int version)
{
	switch (version) {
	case SSL3_VERSION:
		return "SSLv3";
	case TLS1_VERSION:
		return "TLSv1.0";
	case TLS1_1_VERSION:
		return "TLSv1.1";
	case TLS1_2_VERSION:
		return "TLSv1.2";
	default:
		return "TLSv1.3";
	}
}

static void say_version(const SSL *ssl, char why[TLS_WHY_MAX])
{
	const char *least = version_name((int)SSL_get_min_proto_version((SSL *)ssl));
	if (SSL_is_server(ssl))
		say(why, N_("the client supports only %s; the oldest version permitted here is %s (tls_min)"),
		    version_name(SSL_client_version(ssl)), least);
	else
		say(why, N_("the host supports no version of TLS from %s on"), least);
}

/* The peer's alert. */
static void say_alert(const SSL *ssl, int alert, char why[TLS_WHY_MAX])
{
	const char *text = SSL_alert_desc_string_long(alert), *meaning = "";
	char ended[TLS_WHY_MAX];
	if (alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_CERTIFICATE_UNKNOWN ||
	    alert == SSL_AD_CERTIFICATE_EXPIRED || alert == SSL_AD_CERTIFICATE_REVOKED)
		meaning = SSL_is_server(ssl) ? N_("it does not accept our certificate")
					     : N_("it does not accept our client certificate");
	else if (alert == SSL_AD_PROTOCOL_VERSION || alert == SSL_AD_HANDSHAKE_FAILURE)
		meaning = N_("there is no version or cipher that both sides allow");
	say(ended,
	    SSL_is_server(ssl) ? N_("the client ended the handshake with the alert \"%s\"")
			       : N_("the host ended the handshake with the alert \"%s\""),
	    text);
	say(why, "%s%s%s", ended, meaning[0] ? ": " : "", meaning);
}

static void say_reason(const SSL *ssl, unsigned long error, char why[TLS_WHY_MAX])
{
	bool server = SSL_is_server(ssl);
	int reason = ERR_GET_REASON(error);
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
	    reason <= SSL_AD_REASON_OFFSET + UINT8_MAX) {
		say_alert(ssl, reason - SSL_AD_REASON_OFFSET, why);
		return;
	}
	switch (ERR_GET_LIB(error) == ERR_LIB_SSL ? reason : 0) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
		say_version(ssl, why);
		break;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_BAD_RECORD_TYPE:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		say(why, server ? N_("the client does not speak TLS") : N_("the host does not speak TLS"));
		break;
	case SSL_R_NO_SHARED_CIPHER:
		say(why, N_("the client offers no permitted cipher, or none for the key types of our certificates"));
		break;
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
		say(why, N_("the client accepts no signature that the keys of our certificates can make"));
		break;
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		say(why,
		    server ? N_("the client's certificate is not acceptable: %s")
			   : N_("the host's certificate is not acceptable: %s"),
		    X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
		break;
	default: {
		const char *text = ERR_reason_error_string(error);
		say(why, "%s", text ? text : N_("the handshake failed"));
	}
	}
}

static enum tls_result handshake_failed(struct tls_channel *c, int returned, char why[TLS_WHY_MAX])
{
	bool server = SSL_is_server(c->ssl);
	int err = SSL_get_error(c->ssl, returned);
	if (err != SSL_ERROR_WANT_READ && err != SSL_ERROR_WANT_WRITE) {
		say_reason(c->ssl, ERR_peek_error(), why);
		return TLS_FAILED;
	}
	if (c->socket_errno == ETIMEDOUT) {
		say(why, server ? N_("the client did not finish the handshake in time")
				: N_("the host did not finish the handshake in time"));
		return TLS_TIMEOUT;
	}
	say(why, "%s%s%s",
	    server ? N_("the client closed the connection in the handshake")
		   : N_("the host closed the connection in the handshake"),
	    c->socket_errno ? ": " : "", c->socket_errno ? strerror(c->socket_errno) : "");
	return TLS_CLOSED;
}

static void count_handshake(const SSL *ssl, int64_t began_ms)
{
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
	bool server = SSL_is_server(ssl);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (SSL_version(ssl) == versions[i])
			count((enum counter)((server ? COUNTER_TLS_IN_1_0 : COUNTER_TLS_OUT_1_0) + i));
	count_time(server ? HISTOGRAM_TLS_IN : HISTOGRAM_TLS_OUT, clock_mono_ms() - began_ms);
}

static enum tls_result shake_hands(struct tls_channel *c, int (*hands)(SSL *), char why[TLS_WHY_MAX])
{
	const struct stream_layer layer = {receive, send_text, c};
	int64_t began_ms = clock_mono_ms();
	why[0] = '\0';
	ERR_clear_error();
	int n = hands(c->ssl);
	if (n != 1) {
		count(SSL_is_server(c->ssl) ? COUNTER_TLS_IN_FAILED : COUNTER_TLS_OUT_FAILED);
		return handshake_failed(c, n, why);
	}
	count_handshake(c->ssl, began_ms);
	stream_set_layer(c->stream, &layer);
	return TLS_OK;
}

enum tls_result tls_channel_accept(struct tls_channel *c, char why[TLS_WHY_MAX])
{
	return shake_hands(c, SSL_accept, why);
}

enum tls_result tls_channel_connect(struct tls_channel *c, char why[TLS_WHY_MAX])
{
	return shake_hands(c, SSL_connect, why);
}

void tls_channel_facts(const struct tls_channel *c, struct tls_facts *out)
{
	*out = (struct tls_facts){
		.version = SSL_get_version(c->ssl),
		.cipher = SSL_get_cipher_name(c->ssl),
		.bits = SSL_get_cipher_bits(c->ssl, NULL),
		.resumed = SSL_session_reused(c->ssl) == 1,
	};
}

/* The first Finished of the handshake (RFC 5929 3): the client's, or the server's when a session was resumed. */
static size_t first_finished(const SSL *ssl, unsigned char out[TLS_BINDING_MAX])
{
	bool ours = (SSL_is_server(ssl) == 1) == (SSL_session_reused(ssl) == 1);
	size_t len =
		ours ? SSL_get_finished(ssl, out, TLS_BINDING_MAX) : SSL_get_peer_finished(ssl, out, TLS_BINDING_MAX);
	return len <= TLS_BINDING_MAX ? len : 0;
}

/* Without the extended master secret two connections may have the same binding (RFC 7627). */
size_t tls_channel_binding(const struct tls_channel *c, bool exporter, unsigned char out[TLS_BINDING_MAX])
{
	if (!c->ssl || !SSL_is_init_finished(c->ssl))
		return 0;
	bool tls13 = SSL_version(c->ssl) == TLS1_3_VERSION;
	if (!exporter)
		return !tls13 && SSL_get_extms_support(c->ssl) == 1 ? first_finished(c->ssl, out) : 0;
	if (!tls13 || SSL_export_keying_material(c->ssl, out, EXPORTER_LEN, exporter_label, sizeof(exporter_label) - 1,
						 NULL, 0, 0) != 1)
		return 0;
	return EXPORTER_LEN;
}

/* --- the end --- */

static ssize_t receive_raw(void *context, void *to, size_t size)
{
	return stream_socket_receive(context, to, size);
}

static ssize_t send_nothing(void *context, const void *from, size_t size)
{
	(void)context;
	(void)from;
	(void)size;
	errno = EPIPE;
	return -1;
}

void tls_channel_close(struct tls_channel *c)
{
	if (!c->ssl)
		return;
	const struct stream_layer closed = {receive_raw, send_nothing, c->stream};
	bool at_once = c->stream->at_once;
	c->stream->at_once = true;
	ERR_clear_error();
	if (SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	c->stream->at_once = at_once;
	stream_set_layer(c->stream, &closed);
	release(c);
}
