/*
 * Hosts on loopback that follow a script in a thread, one step per line:
 *
 *	A           accept the next connection
 *	S TEXT      send TEXT and CRLF
 *	P TEXT      send TEXT alone, | as CRLF
 *	C TEXT      read a line, which must begin with TEXT
 *	B           read up to the final dot, and keep the message
 *	H           wait until the client can send no more of the message
 *	L           the same as B, but the first 4 MiB slowly
 *	N           no octet must come until the client closes
 *	W           read nothing until the client closes, or the test closes the listener
 *	T           the server side of a handshake, with host_certificate
 *	K           send another session ticket
 *	X           close
 *	R           close with a reset
 */
#ifndef T_UNIT_SCRIPTED_HOST_H
#define T_UNIT_SCRIPTED_HOST_H

#include <arpa/inet.h>
#include <check.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/str.h"

enum { LINE_MAX_OCTETS = 4096, BODY_MAX = 64 << 20 };

/* Of all hosts. A test whose scripts contain T makes them first. */
static X509 *host_certificate;
static EVP_PKEY *host_key;

struct server {
	pthread_t thread;
	int listener;
	uint16_t port;
	const char *script;
	FILE *peer;
	SSL *ssl; /* NULL = in clear */
	struct str body;
	struct sockaddr_in from; /* of the last connection */
	unsigned accepted;
	char wrong[256];
};

static inline void complain(struct server *s, const char *step, const char *seen)
{
	if (!s->wrong[0])
		snprintf(s->wrong, sizeof(s->wrong), "wanted \"%.100s\", saw \"%.100s\"", step, seen);
}

static inline void accept_peer(struct server *s)
{
	socklen_t len = sizeof(s->from);
	int fd = accept(s->listener, (struct sockaddr *)&s->from, &len);
	s->peer = fdopen(fd, "r+");
	setvbuf(s->peer, NULL, _IONBF, 0);
	s->accepted++;
}

static inline void close_peer(struct server *s, bool with_reset)
{
	struct linger now = {.l_onoff = 1};
	if (with_reset)
		setsockopt(fileno(s->peer), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	SSL_free(s->ssl);
	fclose(s->peer);
	s->ssl = NULL;
	s->peer = NULL;
}

static inline ssize_t hear(struct server *s, void *to, size_t size)
{
	return s->ssl ? SSL_read(s->ssl, to, (int)size) : recv(fileno(s->peer), to, size, 0);
}

static inline void say(struct server *s, struct span text)
{
	if (s->ssl)
		(void)!SSL_write(s->ssl, text.at, (int)text.len);
	else
		(void)!send(fileno(s->peer), text.at, text.len, MSG_NOSIGNAL);
}

static inline void shake_hands(struct server *s)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(context, host_certificate);
	SSL_CTX_use_PrivateKey(context, host_key);
	s->ssl = SSL_new(context);
	SSL_set_fd(s->ssl, fileno(s->peer));
	if (SSL_accept(s->ssl) != 1)
		complain(s, "T", "no handshake");
	SSL_CTX_free(context);
}

static inline void send_ticket(struct server *s)
{
	if (SSL_new_session_ticket(s->ssl) != 1 || SSL_do_handshake(s->ssl) != 1)
		complain(s, "K", "no ticket");
}

static inline void read_body(struct server *s, int pause_ms)
{
	char line[LINE_MAX_OCTETS];
	ssize_t n;
	static const struct span end = {"\r\n.\r\n", 5};
	str_clear(&s->body);
	while (!(s->body.len == 3 && memcmp(s->body.at, ".\r\n", 3) == 0) &&
	       !span_ends_nocase(str_span(&s->body), end)) {
		if (s->body.len < 4 << 20)
			poll(NULL, 0, pause_ms);
		n = hear(s, line, sizeof(line));
		if (n <= 0) {
			complain(s, "B", "the end of the connection");
			return;
		}
		str_append(&s->body, (struct span){line, (size_t)n});
	}
}

static inline void wait_until_full(const struct server *s)
{
	int before, now = -1;
	do {
		before = now;
		poll(NULL, 0, 50);
		ioctl(fileno(s->peer), FIONREAD, &now);
	} while (now != before);
}

static inline void expect_line(struct server *s, const char *step)
{
	char line[LINE_MAX_OCTETS] = "";
	size_t n = 0;
	while (n + 1 < sizeof(line) && hear(s, line + n, 1) == 1 && line[n++] != '\n')
		;
	line[n] = '\0';
	if (strncmp(line, step + 2, strlen(step + 2)) != 0)
		complain(s, step, line);
}

static inline void send_text(struct server *s, const char *text, bool whole_line)
{
	struct str out;
	str_init(&out, 1 << 20);
	for (; *text; text++)
		str_append(&out, *text == '|' ? SPAN("\r\n") : (struct span){text, 1});
	if (whole_line)
		str_append_text(&out, "\r\n");
	say(s, str_span(&out));
	str_free(&out);
}

/* The FIN of a client that closes with a full send buffer never arrives. */
static inline void read_nothing(const struct server *s)
{
	struct pollfd fds[] = {{.fd = fileno(s->peer), .events = POLLRDHUP}, {.fd = s->listener}};
	poll(fds, 2, 30000);
}

static inline void step(struct server *s, const char *step)
{
	char octet;
	switch (step[0]) {
	case 'A':
		accept_peer(s);
		break;
	case 'S':
	case 'P':
		send_text(s, step + 2, step[0] == 'S');
		break;
	case 'C':
		expect_line(s, step);
		break;
	case 'B':
	case 'L':
		read_body(s, step[0] == 'L');
		break;
	case 'N':
		if (hear(s, &octet, 1) > 0)
			complain(s, step, "an octet");
		break;
	case 'H':
		wait_until_full(s);
		break;
	case 'T':
		shake_hands(s);
		break;
	case 'K':
		send_ticket(s);
		break;
	case 'W':
		read_nothing(s);
		break;
	default:
		close_peer(s, step[0] == 'R');
	}
}

static inline void *serve(void *data)
{
	struct server *s = data;
	struct span rest = span_of(s->script), line;
	char text[LINE_MAX_OCTETS];
	while (span_line(&rest, &line)) {
		snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(line));
		step(s, text);
	}
	if (s->peer)
		close_peer(s, false);
	return NULL;
}

static inline void server_start(struct server *s, const char *script)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	const int buffer = 128 * 1024; /* small, so that reading soon makes room for the client */
	*s = (struct server){.script = script};
	str_init(&s->body, BODY_MAX);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(s->listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	ck_assert(bind(s->listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	ck_assert(listen(s->listener, 5) == 0);
	ck_assert(getsockname(s->listener, (struct sockaddr *)&at, &len) == 0);
	s->port = ntohs(at.sin_port);
	ck_assert(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static inline void server_end(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
	ck_assert_msg(!s->wrong[0], "%s", s->wrong);
	str_free(&s->body);
}

/* A port without a listener. */
static inline uint16_t dead_port(void)
{
	struct server s;
	server_start(&s, "");
	uint16_t port = s.port;
	server_end(&s);
	return port;
}

#endif
