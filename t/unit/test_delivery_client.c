/*
 * The client against hosts on loopback that follow a script in a thread, one step per line:
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
 *	T           the server side of a handshake
 *	K           send another session ticket
 *	X           close
 *	R           close with a reset
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/tls/client.h"
#include "delivery/smtp/client.h"

enum { LINE_MAX_OCTETS = 4096, BODY_MAX = 64 << 20 };

/* Of this thread: the send that begins with these octets fails. */
static _Thread_local struct {
	const char *begins;
	int err;
} failing;

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	if (failing.begins && size >= strlen(failing.begins) && !memcmp(from, failing.begins, strlen(failing.begins))) {
		errno = failing.err;
		return -1;
	}
	return syscall(SYS_sendto, fd, from, size, flags, NULL, 0);
}

static X509 *certificate; /* certificates of servers */
static EVP_PKEY *key;

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

struct fixture {
	struct client client;
	struct client_job job;
	struct envelope envelope;
	struct address rcpts[200];
	struct outcomes outcomes;
	struct arena arena;
	struct str hosts;
};

static void complain(struct server *s, const char *step, const char *seen)
{
	if (!s->wrong[0])
		snprintf(s->wrong, sizeof(s->wrong), "wanted \"%.100s\", saw \"%.100s\"", step, seen);
}

static void accept_peer(struct server *s)
{
	socklen_t len = sizeof(s->from);
	int fd = accept(s->listener, (struct sockaddr *)&s->from, &len);
	s->peer = fdopen(fd, "r+");
	setvbuf(s->peer, NULL, _IONBF, 0);
	s->accepted++;
}

static void close_peer(struct server *s, bool with_reset)
{
	struct linger now = {.l_onoff = 1};
	if (with_reset)
		setsockopt(fileno(s->peer), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	SSL_free(s->ssl);
	fclose(s->peer);
	s->ssl = NULL;
	s->peer = NULL;
}

static ssize_t hear(struct server *s, void *to, size_t size)
{
	return s->ssl ? SSL_read(s->ssl, to, (int)size) : recv(fileno(s->peer), to, size, 0);
}

static void say(struct server *s, struct span text)
{
	if (s->ssl)
		(void)!SSL_write(s->ssl, text.at, (int)text.len);
	else
		(void)!send(fileno(s->peer), text.at, text.len, MSG_NOSIGNAL);
}

/* Its own authority, for mx.example.net. */
static void make_certificate(void)
{
	X509_EXTENSION *name = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:mx.example.net");
	certificate = X509_new();
	key = EVP_EC_gen("P-256");
	X509_set_version(certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -1000);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 1000);
	X509_set_pubkey(certificate, key);
	X509_add_ext(certificate, name, -1);
	X509_sign(certificate, key, EVP_sha256());
	X509_EXTENSION_free(name);
}

static void shake_hands(struct server *s)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	s->ssl = SSL_new(context);
	SSL_set_fd(s->ssl, fileno(s->peer));
	if (SSL_accept(s->ssl) != 1)
		complain(s, "T", "no handshake");
	SSL_CTX_free(context);
}

static void send_ticket(struct server *s)
{
	if (SSL_new_session_ticket(s->ssl) != 1 || SSL_do_handshake(s->ssl) != 1)
		complain(s, "K", "no ticket");
}

static void read_body(struct server *s, int pause_ms)
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

static void wait_until_full(const struct server *s)
{
	int before, now = -1;
	do {
		before = now;
		poll(NULL, 0, 50);
		ioctl(fileno(s->peer), FIONREAD, &now);
	} while (now != before);
}

static void expect_line(struct server *s, const char *step)
{
	char line[LINE_MAX_OCTETS] = "";
	size_t n = 0;
	while (n + 1 < sizeof(line) && hear(s, line + n, 1) == 1 && line[n++] != '\n')
		;
	line[n] = '\0';
	if (strncmp(line, step + 2, strlen(step + 2)) != 0)
		complain(s, step, line);
}

static void send_text(struct server *s, const char *text, bool whole_line)
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
static void read_nothing(const struct server *s)
{
	struct pollfd fds[] = {{.fd = fileno(s->peer), .events = POLLRDHUP}, {.fd = s->listener}};
	poll(fds, 2, 30000);
}

static void step(struct server *s, const char *step)
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

static void *serve(void *data)
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

static void server_start(struct server *s, const char *script)
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

static void server_end(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
	ck_assert_msg(!s->wrong[0], "%s", s->wrong);
	str_free(&s->body);
}

/* A port without a listener. */
static uint16_t dead_port(void)
{
	struct server s;
	server_start(&s, "");
	uint16_t port = s.port;
	server_end(&s);
	return port;
}

static void add_host(struct fixture *f, const char *name, uint16_t port)
{
	struct ipaddr ip;
	ck_assert(ipaddr_parse(SPAN("127.0.0.1"), &ip));
	hosts_append(&f->hosts, &(struct host){.name = span_of(name), .ip = ip, .port = port});
	f->job.hosts = str_span(&f->hosts);
}

/* A message file: an envelope, then BODY. */
static void set_message(struct fixture *f, struct span body)
{
	static const char head[] = "x-sender: a@example.com\r\n";
	int fd = memfd_create("message", 0);
	ck_assert(fd_write_all(fd, SPAN("x-sender: a@example.com\r\n")) == 0 && fd_write_all(fd, body) == 0);
	if (f->job.message >= 0)
		close(f->job.message);
	f->job.message = fd;
	f->job.body_at = sizeof(head) - 1;
	f->job.size = f->job.body_at + body.len;
	f->job.mail.size = body.len;
}

static void set_up(struct fixture *f, size_t rcpts)
{
	*f = (struct fixture){.job = {.mail = {.sender = SPAN("a@example.com")},
				      .message = -1,
				      .destination = SPAN("there"),
				      .timeout_ms = 10000}};
	ck_assert(client_init(&f->client, SPAN("relay.example.com")));
	arena_init(&f->arena, OUTCOME_ARENA_MAX);
	str_init(&f->hosts, 16384);
	f->envelope.rcpts = f->rcpts;
	f->envelope.rcpt_count = rcpts;
	for (size_t i = 0; i < rcpts; i++)
		f->rcpts[i].text = SPAN("b@example.net");
	set_message(f, SPAN("Subject: x\r\n\r\n.dot\r\n"));
}

static void tear_down(struct fixture *f)
{
	client_free(&f->client);
	arena_free(&f->arena);
	str_free(&f->hosts);
	close(f->job.message);
}

static void deliver(struct fixture *f)
{
	ck_assert(outcomes_select(&f->outcomes, &f->arena, &f->envelope, (struct span){0}));
	client_deliver(&f->client, &f->job, &f->outcomes);
	ck_assert_uint_eq(outcomes_open(&f->outcomes), 0);
}

static void expect(const struct fixture *f, size_t rcpt, enum journal_event event, int code, const char *text)
{
	const struct outcome *o = f->outcomes.rcpts[rcpt].outcome;
	ck_assert_msg(o->event == event && o->code == code && memmem(o->text.at, o->text.len, text, strlen(text)),
		      "%s %d %.*s", journal_event_name(o->event), o->code, SPAN_ARGS(o->text));
}

#define HELLO    "A\nS 220 hi\nC EHLO relay.example.com\nS 250-mx\nS 250-SIZE 0\nS 250 PIPELINING\n"
#define ENVELOPE "C MAIL FROM:<a@example.com>\nC RCPT TO:<b@example.net>\nC DATA\nS 250 ok\nS 250 ok\n"
#define ACCEPT   ENVELOPE "S 354 go\nB\nS 250 2.0.0 taken\n"

START_TEST(delivers_and_keeps)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "mx.example.net", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	char host[100];
	snprintf(host, sizeof(host), "mx.example.net[127.0.0.1]:%u", s.port);
	ck_assert(span_equal(f.outcomes.rcpts[0].outcome->host, span_of(host)));
	ck_assert_int_ge(f.client.fd, 0);
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert_str_eq(str_text(&s.body), "Subject: x\r\n\r\n..dot\r\n.\r\n");
	s.thread = pthread_self();
	ck_assert_msg(!s.wrong[0], "%s", s.wrong);
	close(s.listener);
	str_free(&s.body);
	tear_down(&f);
}
END_TEST

/* Two messages on one connection, a third on a new one: max_messages. */
START_TEST(uses_a_connection_again)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	f.job.max_messages = 2;
	server_start(&s, HELLO ACCEPT ACCEPT "C QUIT\nX\n" HELLO ACCEPT "C QUIT\nX\n");
	add_host(&f, "mx", s.port);
	for (int i = 0; i < 3; i++) {
		deliver(&f);
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		ck_assert_int_eq(f.client.fd >= 0, i != 1);
	}
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* Before a connection to another destination the client sends QUIT. */
START_TEST(leaves_for_another_destination)
{
	struct fixture f;
	struct server s, t;
	set_up(&f, 1);
	server_start(&s, HELLO ACCEPT "C QUIT\nN\n");
	server_start(&t, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	str_clear(&f.hosts);
	add_host(&f, "other", t.port);
	f.job.destination = SPAN("elsewhere");
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	server_end(&s);
	client_quit(&f.client);
	server_end(&t);
	tear_down(&f);
}
END_TEST

/* Our names in a job apply to its connection; a job with other names gets another connection. */
START_TEST(name_and_source_of_the_job)
{
	static const char script[] = "A\nS 220 hi\nC EHLO out.example.com\nS 250-mx\nS 250 PIPELINING\n" ACCEPT ACCEPT
				     "C QUIT\nX\n" HELLO ACCEPT "C QUIT\nX\n" HELLO ACCEPT "C QUIT\nN\n";
	static const struct {
		const char *helo, *source;
		in_addr_t from;
		unsigned accepted;
	} jobs[] = {
		{"out.example.com", "2001:db8::1 127.0.0.7", 0x7f000007, 1},
		{"out.example.com", "2001:db8::1 127.0.0.7", 0x7f000007, 1},
		{"", "127.0.0.8", 0x7f000008, 2},
		{"", "2001:db8::1", 0x7f000001, 3}, /* only an address of the other family: the system chooses */
	};
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, script);
	add_host(&f, "mx", s.port);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		f.job.helo = span_of(jobs[i].helo);
		f.job.source = span_of(jobs[i].source);
		deliver(&f);
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		ck_assert_uint_eq(ntohl(s.from.sin_addr.s_addr), jobs[i].from);
		ck_assert_uint_eq(s.accepted, jobs[i].accepted);
	}
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* If sending fails the client does not wait for a reply: it tries the next host at once. */
START_TEST(sends_that_fail)
{
	static const char *const begins[] = {"EHLO", "MAIL", "Subject"};
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct fixture f;
		struct server s;
		struct timespec from, to;
		set_up(&f, 1);
		server_start(&s, i == 0 ? "A\nS 220 hi\nN\n" : i == 1 ? HELLO "N\n" : HELLO ENVELOPE "S 354 go\nN\n");
		add_host(&f, "mx", s.port);
		failing.begins = begins[i];
		failing.err = ENOBUFS;
		clock_gettime(CLOCK_MONOTONIC, &from);
		deliver(&f);
		clock_gettime(CLOCK_MONOTONIC, &to);
		failing.begins = NULL;
		expect(&f, 0, JOURNAL_DELAYED, 0, "could not send: No buffer space available");
		ck_assert_int_lt(to.tv_sec - from.tv_sec, 5);
		server_end(&s);
		tear_down(&f);
	}
}
END_TEST

/* A host that sends an empty line after each reply gets its mail, over one connection. */
START_TEST(empty_lines)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, "A\nS 220 hi|\nC EHLO\nS 250-mx||\nS 250 PIPELINING|\nC MAIL\nC RCPT\nC DATA\nS 250 ok|\n"
			 "S 250 ok|\nS 354 go|\nB\nS 250 2.0.0 taken|\nC MAIL\nC RCPT\nC DATA\nS 250 ok|\n"
			 "S 250 ok|\nS 354 go|\nB\nS 250 2.0.0 again|\nC QUIT\nX\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "again");
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* The reason quotes text of the host even without a line end. */
START_TEST(words_without_a_line_end)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, "A\nP SSH-2.0-OpenSSH_9.2\nX\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0,
	       "connection lost while waiting for the greeting; the host said: SSH-2.0-OpenSSH_9.2");
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* Lines longer than a host must accept are folded, also at the end of a block of the file; or they are sent
 * unchanged. */
START_TEST(long_lines)
{
	enum { LONG = 70000 };
	struct fixture f;
	struct server s;
	struct str body, folded;
	str_init(&body, BODY_MAX);
	str_init(&folded, BODY_MAX);
	for (size_t i = 0; i < LONG; i++) {
		if (i && (i == 998 || (i > 998 && (i - 998) % 997 == 0)))
			str_append_text(&folded, "\r\n ");
		str_append_c(&body, '.');
		str_append_text(&folded, i ? "." : "..");
	}
	str_append_text(&body, "\r\n");
	str_append_text(&folded, "\r\n.\r\n");
	for (int fold = 0; fold < 2; fold++) {
		set_up(&f, 1);
		f.job.fold_lines = fold;
		set_message(&f, str_span(&body));
		server_start(&s, HELLO ACCEPT "X\n");
		add_host(&f, "mx", s.port);
		deliver(&f);
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		pthread_join(s.thread, NULL);
		ck_assert_uint_eq(s.body.len, fold ? folded.len : LONG + 6);
		ck_assert(!fold || span_equal(str_span(&s.body), str_span(&folded)));
		s.thread = pthread_self();
		close(s.listener);
		str_free(&s.body);
		tear_down(&f);
	}
	str_free(&body);
	str_free(&folded);
}
END_TEST

/* The reason names a source address that this machine does not have. */
START_TEST(source_that_is_not_ours)
{
	struct fixture f;
	set_up(&f, 1);
	add_host(&f, "mx", dead_port());
	f.job.source = SPAN("192.0.2.200");
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0,
	       "could not connect from source_address 192.0.2.200: Cannot assign requested address");
	tear_down(&f);
}
END_TEST

/* The host closed the kept connection, before or while it is used again: the same job makes a new one. */
START_TEST(replaces_a_dead_connection)
{
	static const char *const scripts[] = {
		HELLO ACCEPT "X\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "R\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "S 421 4.4.2 idle for too long\nX\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "C MAIL\nX\n" HELLO ACCEPT "C QUIT\n",
		HELLO ACCEPT "C MAIL\nS 421 4.4.2 too late\nX\n" HELLO ACCEPT "C QUIT\n",
	};
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, scripts[_i]);
	add_host(&f, "mx", s.port);
	deliver(&f);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert_uint_eq(s.accepted, 2);
	ck_assert_msg(!s.wrong[0], "%s", s.wrong);
	close(s.listener);
	str_free(&s.body);
	tear_down(&f);
}
END_TEST

/* Failures of the first host after which the second one gets the message. */
static const char *const passing[] = {
	"A\nX\n",
	"A\nR\n",
	"A\nS 421 4.3.2 busy\nX\n",
	"A\nS 554 no mail here\nC QUIT\nX\n",
	"A\nS 220 hi\nC EHLO\nS 451 not now\nC QUIT\nX\n",
	"A\nS 220 hi\nC EHLO\nS 500 what\nC HELO relay.example.com\nS 550 no\nC QUIT\nX\n",
	"A\nS 220 hi\nC EHLO\nS 553-a\nX\n",
	"A\nS SSH-2.0-OpenSSH\nX\n",
	"A\nP 220 \nX\n",
	HELLO "C MAIL\nS 421 going down\nX\n",
	HELLO "C MAIL\nR\n",
	HELLO ENVELOPE "S 421 going down\nX\n",
	HELLO ENVELOPE "X\n",
};
enum { PASSING = sizeof(passing) / sizeof(passing[0]), ABOUT_THE_MESSAGE = PASSING - 4 };

START_TEST(passes_to_the_next_host)
{
	struct fixture f;
	struct server s, t;
	set_up(&f, 1);
	server_start(&s, passing[_i]);
	server_start(&t, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "dead", dead_port());
	add_host(&f, "first", s.port);
	add_host(&f, "second", t.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	server_end(&s);
	server_end(&t);
	tear_down(&f);
}
END_TEST

/* If the hosts of the domain fail before MAIL, a written host gets the message. After MAIL no other host gets it. */
START_TEST(written_hosts_only_when_no_other_answers)
{
	struct fixture f;
	struct server s, t;
	bool heard = _i >= ABOUT_THE_MESSAGE;
	char failed[64];
	uint16_t dead = dead_port();
	set_up(&f, 1);
	server_start(&s, passing[_i]);
	add_host(&f, "dead", dead);
	add_host(&f, "first", s.port);
	f.job.found = 2;
	if (!heard)
		server_start(&t, HELLO ACCEPT "C QUIT\nN\n");
	add_host(&f, "written", heard ? dead_port() : t.port);
	deliver(&f);
	ck_assert_uint_eq(f.client.report.transactions, 1);
	if (heard) {
		snprintf(failed, sizeof(failed), "127.0.0.1 %u\n", dead);
		ck_assert_str_eq(f.client.report.failed, failed);
		ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_DELAYED);
	} else {
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		client_quit(&f.client);
		server_end(&t);
	}
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* After a final refusal the second host is not tried. */
static const struct {
	const char *script;
	enum journal_event event;
	int code;
	const char *text;
} standing[] = {
	{HELLO "C MAIL\nS 550 5.7.1 not you\nS 503 no\nS 503 no\n", JOURNAL_FAILED, 550, "not you"},
	{HELLO "C MAIL\nS 451 4.3.0 later\nS 503 no\nS 503 no\n", JOURNAL_DELAYED, 451, "later"},
	{HELLO "C MAIL\nC RCPT\nC DATA\nS 250 ok\nS 550 5.1.1 nobody\nS 354 go\nC .\nS 250 ok\n", JOURNAL_FAILED, 550,
	 "nobody"},
	{HELLO ENVELOPE "S 554 5.7.1 no\nC RSET\nS 250 ok\n", JOURNAL_FAILED, 554, "no"},
	{HELLO ENVELOPE "S 354 go\nB\nS 552 5.3.4 large\n", JOURNAL_FAILED, 552, "large"},
	{HELLO ENVELOPE "S 354 go\nB\nS 421 4.3.2 going down\nX\n", JOURNAL_DELAYED, 421, "going down"},
	{HELLO ENVELOPE "S 354 go\nB\nX\n", JOURNAL_DELAYED, 0, "lost"},
	{HELLO ENVELOPE "S 354 go\nB\nR\n", JOURNAL_DELAYED, 0, "lost"},
	{HELLO ENVELOPE "S 354 go\nB\nS 2500 ok\n", JOURNAL_DELAYED, 0, "the host said: 2500 ok"},
};

START_TEST(takes_a_refusal)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, standing[_i].script);
	add_host(&f, "first", s.port);
	add_host(&f, "second", dead_port());
	deliver(&f);
	expect(&f, 0, standing[_i].event, standing[_i].code, standing[_i].text);
	client_close(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

START_TEST(no_host_answers)
{
	struct fixture f;
	struct server s;
	set_up(&f, 2);
	server_start(&s, "A\nS 554 5.3.2 no\nC QUIT\nX\n");
	add_host(&f, "dead", dead_port());
	add_host(&f, "first", s.port);
	deliver(&f);
	/* The first host may come back, so the refusal of the second is not final. */
	expect(&f, 0, JOURNAL_DELAYED, 554, "no");
	expect(&f, 1, JOURNAL_DELAYED, 554, "no");
	ck_assert_int_eq(f.client.fd, -1);
	server_end(&s);

	str_clear(&f.hosts);
	add_host(&f, "dead", dead_port());
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "Connection refused");
	f.job.hosts = (struct span){0};
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "no host");
	tear_down(&f);
}
END_TEST

START_TEST(all_hosts_refuse_us)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	server_start(&s, "A\nS 554 5.3.2 no mail here\nC QUIT\nX\n");
	add_host(&f, "first", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 554, "no mail here");
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* No reply, single octets, or endless lines: each has a time limit. */
START_TEST(bounds)
{
	static const char *const scripts[] = {"A\nN\n", "A\nP 2\nP 2\nN\n", "A\nS 220 hi\nC EHLO\nN\n",
					      HELLO "C MAIL\nC RCPT\nC DATA\nS 250 ok\nN\n"};
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	f.job.timeout_ms = 200;
	server_start(&s, scripts[_i]);
	add_host(&f, "slow", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "time-out while waiting for");
	ck_assert_int_eq(f.client.fd, -1);
	server_end(&s);
	tear_down(&f);
}
END_TEST

START_TEST(endless_replies)
{
	struct fixture f;
	struct server s;
	struct str script;
	str_init(&script, 1 << 20);
	str_append_text(&script, "A\nS 220 hi\nC EHLO\n");
	for (int i = 0; i < 1000; i++)
		str_append_text(&script, _i ? "P 250-xxxxxxxxxxxx\n" : "S 250-SIZE 17\n");
	str_append_text(&script, "S \n");
	set_up(&f, 1);
	server_start(&s, script.at);
	add_host(&f, "endless", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "the host sent an invalid reply while we waited for the reply to EHLO");
	server_end(&s);
	str_free(&script);
	tear_down(&f);
}
END_TEST

/* A large message arrives octet by octet; the host counts what it gets. */
START_TEST(large_message)
{
	enum { LINES = 200000 };
	struct fixture f;
	struct server s;
	struct str body, wire;
	str_init(&body, BODY_MAX);
	str_init(&wire, BODY_MAX);
	for (unsigned i = 0; i < LINES; i++) {
		const char *dot = i % 3 ? "" : ".";
		str_printf(&body,
			   "%s%u line \xe9 with octets, then more octets, and more of them, to the end of it\r\n", dot,
			   i);
		str_printf(&wire,
			   "%s%s%u line \xe9 with octets, then more octets, and more of them, to the end of it\r\n",
			   dot, dot, i);
	}
	str_append_text(&wire, ".\r\n");
	set_up(&f, 1);
	set_message(&f, str_span(&body));
	/* A part of it was already read together with the envelope. */
	char head[4096];
	ck_assert_int_eq(pread(f.job.message, head, sizeof(head), 0), sizeof(head));
	if (_i)
		f.job.head = (struct span){head, sizeof(head)};
	server_start(&s, HELLO ACCEPT "C QUIT\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert(span_equal(str_span(&s.body), str_span(&wire)));
	close(s.listener);
	str_free(&s.body);
	str_free(&body);
	str_free(&wire);
	tear_down(&f);
}
END_TEST

/* The host refuses in the middle of a message and does not read the rest. */
START_TEST(early_refusal)
{
	static const char *const scripts[] = {
		HELLO ENVELOPE "S 354 go\nC Subject\nS 552-5.3.4 too\nS 552 5.3.4 large\nW\nX\n",
		HELLO ENVELOPE "P 354 go|552 5.3.4 too large|\nW\nX\n",
	};
	struct fixture f;
	struct server s;
	struct str body;
	char filler[1000];
	memset(filler, 'x', sizeof(filler));
	str_init(&body, BODY_MAX);
	str_append_text(&body, "Subject: x\r\n\r\n");
	for (int i = 0; i < 20000; i++) {
		str_append(&body, (struct span){filler, sizeof(filler)});
		str_append_text(&body, "\r\n");
	}
	set_up(&f, 1);
	set_message(&f, str_span(&body));
	server_start(&s, scripts[_i]);
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_FAILED, 552, "too large");
	shutdown(s.listener, SHUT_RDWR);
	pthread_join(s.thread, NULL);
	close(s.listener);
	str_free(&s.body);
	str_free(&body);
	tear_down(&f);
}
END_TEST

START_TEST(empty_body)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	set_message(&f, SPAN(""));
	server_start(&s, HELLO ACCEPT "C QUIT\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	pthread_join(s.thread, NULL);
	ck_assert_str_eq(str_text(&s.body), ".\r\n");
	close(s.listener);
	str_free(&s.body);
	tear_down(&f);
}
END_TEST

/* A message file that is shorter than its name says is never sent as complete. */
START_TEST(short_file)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	f.job.size += 1;
	server_start(&s, HELLO ENVELOPE "S 354 go\nC Subject: x\nC \nC ..dot\nN\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 451, "shorter");
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* After 452 for the second of two recipients, it gets a second transaction on the same connection. */
START_TEST(one_recipient_at_a_time)
{
	struct fixture f;
	struct server s;
	set_up(&f, 2);
	server_start(&s, HELLO "C MAIL\nC RCPT\nC RCPT\nC DATA\nS 250 ok\nS 250 ok\nS 452 4.5.3 too many\nS 354 go\nB\n"
			       "S 250 first\n"
			       "C MAIL\nC RCPT\nC DATA\nS 250 ok\nS 250 ok\nS 354 go\nC Subject\nC \nC ..dot\nC .\n"
			       "S 250 second\nC QUIT\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "first");
	expect(&f, 1, JOURNAL_DELIVERED, 250, "second");
	client_quit(&f.client);
	server_end(&s);
	tear_down(&f);
}
END_TEST

/* A job that requires TLS of LEVEL, with the authorities of CA. The caller frees it. */
static void want_tls_of(struct fixture *f, struct security *security, enum config_tls level, const char *ca)
{
	char why[TLS_CLIENT_WHY_MAX];
	*security = (struct security){.name = (char *)"virtual_server", .outbound = {.tls = level, .tls_ca = ca}};
	security->tls = tls_client_context(&security->outbound, why);
	ck_assert_msg(security->tls != NULL, "%s", why);
	f->job.security = security;
}

static void want_tls(struct fixture *f, struct security *security, enum config_tls level)
{
	want_tls_of(f, security, level, NULL);
}

#define HELLO_TLS "A\nS 220 hi\nC EHLO relay.example.com\nS 250-mx\nS 250 STARTTLS\nC STARTTLS\n"
#define PLAIN                                                                                                          \
	"C MAIL FROM:<a@example.com>\nS 250 ok\nC RCPT TO:<b@example.net>\nS 250 ok\nC DATA\nS 354 go\nB\nS 250 "      \
	"taken\n"
#define SLOWLY      "C MAIL\nS 250 ok\nC RCPT\nS 250 ok\nC DATA\nS 354 go\nL\nS 250 taken\nC QUIT\nX\n"
#define HELLO_CLEAR "A\nS 220 hi\nC EHLO relay.example.com\nS 250-mx\nS 250 STARTTLS\n"

/* How TLS can fail before it begins, and the message for the administrator. */
static const struct {
	const char *script, *text;
} tls_failures[] = {
	{HELLO_TLS "S 454 no key\nX\n", "no key"},
	{HELLO_TLS "X\n", "connection lost while waiting for the reply to STARTTLS"},
	{HELLO_TLS "S 220 go\nX\n", "closed the connection in the handshake"},
	{HELLO_TLS "S 220 go\nS 554 I don't know how to begin\nW\nX\n", "no TLS with the host: "},
	{HELLO_TLS "P 220 go|250-mx|250 AUTH PLAIN|\nX\n", "in clear behind the reply to STARTTLS"},
};

/* Opportunistic: the message goes in clear over a new connection, and the next one in clear at once. */
START_TEST(clear_if_opportunistic_tls_fails)
{
	char script[4096];
	struct fixture f;
	struct server s;
	struct security security;
	set_up(&f, 1);
	want_tls(&f, &security, CONFIG_TLS_OPPORTUNISTIC);
	f.job.max_messages = 1;
	snprintf(script, sizeof(script), "%s%s%s", tls_failures[_i].script, HELLO_CLEAR PLAIN "C QUIT\nX\n",
		 HELLO_CLEAR PLAIN "C QUIT\nX\n");
	server_start(&s, script);
	add_host(&f, "mx", s.port);
	for (int i = 0; i < 2; i++) {
		deliver(&f);
		expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
		ck_assert_uint_eq(f.outcomes.rcpts[0].outcome->tls.len, 0);
	}
	server_end(&s);
	SSL_CTX_free(security.tls);
	tear_down(&f);
}
END_TEST

/* Required TLS: never in clear, but the next host may support it; if none does, the mail waits. */
START_TEST(never_clear_if_tls_is_required)
{
	struct fixture f;
	struct server s, t;
	struct security security;
	set_up(&f, 1);
	want_tls(&f, &security, CONFIG_TLS_ENCRYPT);
	server_start(&s, HELLO "C QUIT\nX\n");
	server_start(&t, tls_failures[_i].script);
	add_host(&f, "mx1", s.port);
	add_host(&f, "mx2", t.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, tls_failures[_i].text);
	ck_assert_int_lt(f.client.fd, 0);
	server_end(&s);
	server_end(&t);
	SSL_CTX_free(security.tls);
	tear_down(&f);
}
END_TEST

/* A session ticket is not a reply: neither on an idle connection nor while the message is sent. */
START_TEST(tickets)
{
	static char body[24 << 20];
	struct fixture f;
	struct server s;
	struct security security;
	set_up(&f, 1);
	want_tls(&f, &security, CONFIG_TLS_ENCRYPT);
	memset(body, 'x', sizeof(body));
	for (size_t i = 0; i + 1 < sizeof(body); i += 100)
		memcpy(body + i, "\r\n", 2);
	set_message(&f, (struct span){body, sizeof(body)});
	server_start(&s, HELLO_TLS "S 220 go\nT\nC EHLO\nS 250 mx\n" PLAIN
				   "K\nC MAIL\nS 250 ok\nC RCPT\nS 250 ok\nC DATA\nS 354 "
				   "go\nH\nK\nK\nB\nS 250 taken\nC QUIT\nX\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	struct pollfd ticket = {.fd = f.client.fd, .events = POLLIN};
	ck_assert_int_eq(poll(&ticket, 1, 10000), 1);
	ck_assert(client_silent(&f.client));
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	ck_assert(span_starts(f.outcomes.rcpts[0].outcome->tls, SPAN("TLSv1.3:")));
	client_quit(&f.client);
	server_end(&s);
	ck_assert_uint_eq(s.accepted, 1);
	SSL_CTX_free(security.tls);
	tear_down(&f);
}
END_TEST

/* A slow host gets the whole message: the time-out is for each block, not for the message. */
START_TEST(slow_host)
{
	static char body[24 << 20];
	struct fixture f;
	struct server s;
	struct security security;
	set_up(&f, 1);
	f.job.timeout_ms = 1000;
	if (_i)
		want_tls(&f, &security, CONFIG_TLS_ENCRYPT);
	set_message(&f, (struct span){body, sizeof(body)});
	server_start(&s, _i ? HELLO_TLS "S 220 go\nT\nC EHLO\nS 250 mx\n" SLOWLY : HELLO_CLEAR SLOWLY);
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	client_quit(&f.client);
	server_end(&s);
	if (_i)
		SSL_CTX_free(security.tls);
	tear_down(&f);
}
END_TEST

/* The name in the list of hosts is verified: the first is not that of the certificate, the second is. */
START_TEST(verifies_the_name_of_the_host)
{
	char path[] = "/tmp/delivery_client.XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	struct fixture f;
	struct server s, t;
	struct security security;
	PEM_write_X509(file, certificate);
	fclose(file);
	set_up(&f, 1);
	want_tls_of(&f, &security, CONFIG_TLS_VERIFY, path);
	server_start(&s, HELLO_TLS "S 220 go\nT\nN\nX\n");
	add_host(&f, "mx2.example.net", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "certificate is for mx.example.net, not mx2.example.net; set tls_name");
	server_end(&s);
	str_clear(&f.hosts);
	server_start(&s, HELLO_TLS "S 220 go\nT\nN\nX\n");
	server_start(&t, HELLO_TLS "S 220 go\nT\nC EHLO\nS 250 mx\n" PLAIN "C QUIT\nX\n");
	add_host(&f, "127.0.0.1", s.port);
	add_host(&f, "mx.example.net", t.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	ck_assert(span_ends_nocase(f.outcomes.rcpts[0].outcome->tls, SPAN(":verified")));
	client_quit(&f.client);
	server_end(&s);
	server_end(&t);
	unlink(path);
	SSL_CTX_free(security.tls);
	tear_down(&f);
}
END_TEST

/* If the files for TLS can't be used, there is no handshake: the host gets nothing after STARTTLS. */
START_TEST(no_context)
{
	struct fixture f;
	struct server s;
	struct security security = {.name = (char *)"virtual_server",
				    .outbound = {.tls = CONFIG_TLS_VERIFY},
				    .trouble = (char *)"can't read /etc/ca.pem"};
	set_up(&f, 1);
	f.job.security = &security;
	server_start(&s, HELLO_TLS "S 220 go\nN\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "can't read /etc/ca.pem");
	server_end(&s);
	tear_down(&f);
}
END_TEST

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	make_certificate();
	Suite *suite = suite_create("client");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, delivers_and_keeps);
	tcase_add_test(all, uses_a_connection_again);
	tcase_add_test(all, leaves_for_another_destination);
	tcase_add_test(all, name_and_source_of_the_job);
	tcase_add_test(all, source_that_is_not_ours);
	tcase_add_test(all, sends_that_fail);
	tcase_add_test(all, long_lines);
	tcase_add_test(all, empty_lines);
	tcase_add_test(all, words_without_a_line_end);
	tcase_add_loop_test(all, replaces_a_dead_connection, 0, 5);
	tcase_add_loop_test(all, passes_to_the_next_host, 0, PASSING);
	tcase_add_loop_test(all, written_hosts_only_when_no_other_answers, 0, PASSING);
	tcase_add_loop_test(all, takes_a_refusal, 0, sizeof(standing) / sizeof(standing[0]));
	tcase_add_test(all, no_host_answers);
	tcase_add_test(all, all_hosts_refuse_us);
	tcase_add_loop_test(all, bounds, 0, 4);
	tcase_add_loop_test(all, endless_replies, 0, 2);
	tcase_add_loop_test(all, large_message, 0, 2);
	tcase_add_loop_test(all, early_refusal, 0, 2);
	tcase_add_test(all, empty_body);
	tcase_add_test(all, short_file);
	tcase_add_test(all, one_recipient_at_a_time);
	tcase_add_loop_test(all, clear_if_opportunistic_tls_fails, 0, sizeof(tls_failures) / sizeof(tls_failures[0]));
	tcase_add_loop_test(all, never_clear_if_tls_is_required, 0, sizeof(tls_failures) / sizeof(tls_failures[0]));
	tcase_add_test(all, no_context);
	tcase_add_test(all, tickets);
	tcase_add_loop_test(all, slow_host, 0, 2);
	tcase_add_test(all, verifies_the_name_of_the_host);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
