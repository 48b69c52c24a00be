/* A channel of a server over a socket pair. The other end is plain OpenSSL, or octets. */
#ifndef T_UNIT_CHANNEL_FIXTURE_H
#define T_UNIT_CHANNEL_FIXTURE_H

#include <check.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "common/tls/channel.h"
#include "t/unit/suite.h"
#include "t/unit/tls_fixture.h"

enum { PATIENCE_MS = 20000, HASTE_MS = 150 };

static struct tls_fixture fixture;
static struct tls_server *server;
static SSL_CTX *client_context;
static int ends[2];
static struct stream stream;
static struct tls_channel channel;
static char why[TLS_WHY_MAX];

static inline void set_up(void)
{
	struct str trouble;
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	str_init(&trouble, 4096);
	ck_assert(tls_channel_prepare());
	tls_fixture_init(&fixture);
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	server = tls_server_new(&fixture.access, &trouble);
	ck_assert_msg(server, "%s", str_text(&trouble));
	str_free(&trouble);
	client_context = SSL_CTX_new(TLS_client_method());
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	ck_assert(stream_init(&stream, ends[0], PATIENCE_MS));
	ck_assert(tls_channel_init(&channel, tls_server_context(server), &stream));
}

static inline void tear_down(void)
{
	tls_channel_close(&channel);
	ck_assert_ptr_null(channel.ssl);
	stream_free(&stream);
	close(ends[0]);
	close(ends[1]);
	SSL_CTX_free(client_context);
	tls_server_free(server);
	tls_fixture_free(&fixture);
}

static inline void *accept_it(void *result)
{
	*(enum tls_result *)result = tls_channel_accept(&channel, why);
	return NULL;
}

/* What a client does with its end during our handshake. */
static inline enum tls_result against(void (*client)(void *), void *context)
{
	enum tls_result result = TLS_CLOSED;
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, accept_it, &result), 0);
	client(context);
	pthread_join(thread, NULL);
	return result;
}

static inline void shake(void *ssl)
{
	SSL_set_fd(ssl, ends[1]);
	ck_assert_int_eq(SSL_connect(ssl), 1);
}

static inline SSL *secured(void)
{
	SSL *ssl = SSL_new(client_context);
	ck_assert_int_eq(against(shake, ssl), TLS_OK);
	ck_assert_str_eq(why, "");
	return ssl;
}

static inline void hear(SSL *ssl, const char *text)
{
	char heard[256] = "";
	int n = SSL_read(ssl, heard, sizeof(heard) - 1);
	ck_assert_msg(n > 0, "nothing is heard");
	ck_assert_str_eq(heard, text);
}

static inline void expect_line(const char *text)
{
	struct span line;
	bool bare;
	ck_assert_int_eq(stream_line(&stream, 100, &line, &bare), STREAM_OK);
	ck_assert_msg(span_equal(line, span_of(text)), "%.*s", SPAN_ARGS(line));
}

static inline void send_octets(void *octets)
{
	ck_assert_int_gt(send(ends[1], octets, strlen(octets), MSG_NOSIGNAL), 0);
}

#endif
