/* STARTTLS of the client: required, opportunistic and verified. */
#include <check.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/tls/client.h"
#include "t/unit/client_fixture.h"
#include "t/unit/tls_fixture.h"

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
	PEM_write_X509(file, host_certificate);
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
	host_key = tls_fixture_key("ec");
	host_certificate = tls_fixture_sign(host_key, "a name that does not count", "DNS:mx.example.net");
	Suite *suite = suite_create("delivery_client_tls");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, clear_if_opportunistic_tls_fails, 0, sizeof(tls_failures) / sizeof(tls_failures[0]));
	tcase_add_loop_test(all, never_clear_if_tls_is_required, 0, sizeof(tls_failures) / sizeof(tls_failures[0]));
	tcase_add_test(all, no_context);
	tcase_add_test(all, tickets);
	tcase_add_loop_test(all, slow_host, 0, 2);
	tcase_add_test(all, verifies_the_name_of_the_host);
	suite_add_tcase(suite, all);
	int status = suite_run(suite);
	X509_free(host_certificate);
	EVP_PKEY_free(host_key);
	return status;
}
