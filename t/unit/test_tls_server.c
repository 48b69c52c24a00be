/* Contexts of servers: invalid files, the choice of a certificate, protocol versions and ciphers, tickets. */
#include "common/tls/server.h"

#include <check.h>
#include <openssl/err.h>
#include <string.h>

#include "common/tls/channel.h"
#include "smtpd/tickets.h"
#include "t/unit/suite.h"
#include "t/unit/tls_fixture.h"

static struct tls_fixture fixture;
static struct str why;

static void set_up(void)
{
	ck_assert(tls_channel_prepare());
	tls_fixture_init(&fixture);
	str_init(&why, 4096);
}

static void tear_down(void)
{
	tls_fixture_free(&fixture);
	str_free(&why);
}

static struct tls_server *serve(void)
{
	struct tls_server *server = tls_server_new(&fixture.access, &why);
	ck_assert_msg(server, "%s", str_text(&why));
	ck_assert_uint_eq(why.len, 0);
	return server;
}

static void expect_refusal(const char *text)
{
	ck_assert_ptr_null(tls_server_new(&fixture.access, &why));
	ck_assert_msg(strstr(str_text(&why), text), "%s", str_text(&why));
	ck_assert_uint_eq(ERR_peek_error(), 0);
	str_clear(&why);
}

static void overwrite(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* --- files --- */

START_TEST(test_missing)
{
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	fixture.list[0].origin = (struct config_origin){.file = "mailroot.conf", .line = 7};
	unlink(fixture.list[0].key);
	expect_refusal("mailroot.conf:7: tls_certificate: /tmp/");
	expect_refusal("a.example.key: No such file or directory; ");
	unlink(fixture.list[0].certificate);
	expect_refusal("a.example.pem: No such file or directory; ");
}
END_TEST

START_TEST(test_not_pem)
{
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	overwrite(fixture.list[0].key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	expect_refusal("a.example.key: ");
	overwrite(fixture.list[0].key, "");
	expect_refusal("must hold the private key in PEM");
	overwrite(fixture.list[0].certificate, "hello\n");
	expect_refusal("must hold the certificate in PEM");
}
END_TEST

/* The certificates after the first one are checked too: an incomplete chain is an error. */
START_TEST(test_broken_chain)
{
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	FILE *file = fopen(fixture.list[0].certificate, "a");
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
	fclose(file);
	expect_refusal("then its chain");
}
END_TEST

START_TEST(test_wrong_key)
{
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	tls_fixture_add(&fixture, "b.example", "ec", NULL);
	tls_fixture_add(&fixture, "c.example", "2048", NULL);
	const char *first = fixture.list[0].key;
	fixture.list[0].key = fixture.list[1].key;
	expect_refusal("b.example.key is not the key of /tmp/");
	fixture.list[0].key = fixture.list[2].key;
	expect_refusal("c.example.key is not the key of /tmp/");
	fixture.list[0].key = first;
}
END_TEST

START_TEST(test_encrypted)
{
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	EVP_PKEY *key = tls_fixture_key("ec");
	FILE *file = fopen(fixture.list[0].key, "w");
	PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL);
	fclose(file);
	EVP_PKEY_free(key);
	expect_refusal("the key is encrypted");
}
END_TEST

START_TEST(test_weak)
{
	tls_fixture_add(&fixture, "a.example", "1024", NULL);
	expect_refusal("RSA key of 2048 bits or more");
	fixture.access.tls_min = CONFIG_TLS_1_0;
	tls_server_free(serve());
}
END_TEST

/* --- handshakes in memory: each end gets what the other has said until both are done or one gives up --- */

struct pair {
	SSL *client, *server;
};

static void connect_pair(struct pair *p, struct tls_server *server, SSL_CTX *client)
{
	BIO *a, *b;
	ck_assert_int_eq(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	p->server = SSL_new(tls_server_context(server));
	p->client = SSL_new(client);
	SSL_set_bio(p->server, a, a);
	SSL_set_bio(p->client, b, b);
}

static bool waits(const SSL *ssl, int result)
{
	int error = SSL_get_error(ssl, result);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static bool shake_hands(struct pair *p)
{
	char octet;
	int client = 0, server = 0;
	for (int i = 0; i < 20 && !(client == 1 && server == 1); i++) {
		client = SSL_connect(p->client);
		if (client != 1 && !waits(p->client, client))
			return false;
		server = SSL_accept(p->server);
		if (server != 1 && !waits(p->server, server))
			return false;
	}
	SSL_read(p->client, &octet, 1); /* tickets of TLS 1.3 come after the handshake */
	return client == 1 && server == 1;
}

static void free_pair(struct pair *p)
{
	SSL_free(p->client);
	SSL_free(p->server);
	ERR_clear_error();
}

static SSL_CTX *any_client(void)
{
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(client, 0);
	SSL_CTX_set_min_proto_version(client, TLS1_VERSION);
	return client;
}

/* The common name of the certificate for a client that asks for ASKED; "" = the handshake failed. */
static const char *shown(struct tls_server *server, SSL_CTX *client, const char *asked, int *kind)
{
	static char name[256];
	struct pair p;
	name[0] = '\0';
	connect_pair(&p, server, client);
	if (asked)
		SSL_set_tlsext_host_name(p.client, asked);
	if (shake_hands(&p)) {
		X509 *x = SSL_get1_peer_certificate(p.client);
		X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof(name));
		*kind = EVP_PKEY_get_base_id(X509_get0_pubkey(x));
		X509_free(x);
	}
	free_pair(&p);
	return name;
}

START_TEST(test_shown)
{
	int kind = 0;
	char longest[256];
	tls_fixture_add(&fixture, "one.example", "2048", "DNS:one.example,DNS:mail.one.example");
	tls_fixture_add(&fixture, "two.example", "ec", "DNS:two.example,DNS:*.two.example");
	tls_fixture_add(&fixture, "one-ec", "ec", "DNS:one.example");
	struct tls_server *server = serve();
	SSL_CTX *client = any_client(), *rsa = any_client();
	SSL_CTX_set1_sigalgs_list(rsa, "RSA-PSS+SHA256:RSA+SHA256");
	SSL_CTX_set_max_proto_version(rsa, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(rsa, "ECDHE-RSA-AES128-GCM-SHA256");

	ck_assert_str_eq(shown(server, client, "one.example", &kind), "one-ec");
	ck_assert_str_eq(shown(server, rsa, "one.example", &kind), "one.example");
	ck_assert_int_eq(kind, EVP_PKEY_RSA);
	ck_assert_str_eq(shown(server, client, "mail.one.example", &kind), "one.example");
	ck_assert_str_eq(shown(server, client, "www.TWO.example", &kind), "two.example");
	ck_assert_int_eq(kind, EVP_PKEY_EC);
	ck_assert_str_eq(shown(server, rsa, "two.example", &kind), "");
	ck_assert_str_eq(shown(server, client, NULL, &kind), "one-ec");
	ck_assert_str_eq(shown(server, rsa, NULL, &kind), "one.example");
	ck_assert_str_eq(shown(server, client, "nobody.example", &kind), "one-ec");
	ck_assert_str_eq(shown(server, client, "two.example\\", &kind), "one-ec");
	ck_assert_str_eq(shown(server, client, "\x1b[2J", &kind), "one-ec");
	memset(longest, 'a', 255);
	longest[255] = '\0';
	ck_assert_str_eq(shown(server, client, longest, &kind), "one-ec");
	SSL_CTX_free(client);
	SSL_CTX_free(rsa);
	tls_server_free(server);
}
END_TEST

/* --- what is spoken --- */

static bool speaks(struct tls_server *server, int version, const char *cipher)
{
	struct pair p;
	SSL_CTX *client = any_client();
	SSL_CTX_set_min_proto_version(client, version);
	SSL_CTX_set_max_proto_version(client, version);
	if (version == TLS1_3_VERSION)
		ck_assert_int_eq(SSL_CTX_set_ciphersuites(client, cipher), 1);
	else
		ck_assert_int_eq(SSL_CTX_set_cipher_list(client, cipher), 1);
	connect_pair(&p, server, client);
	bool done = shake_hands(&p);
	free_pair(&p);
	SSL_CTX_free(client);
	return done;
}

/* Every cipher of this OpenSSL, against the documentation in the header. */
static void try_all(struct tls_server *server, int version, bool (*promised)(const char *))
{
	SSL_CTX *all = any_client();
	ck_assert_int_eq(SSL_CTX_set_cipher_list(all, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"), 1);
	STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(all);
	unsigned spoken = 0;
	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
		if (strncmp(name, "TLS_", 4) == 0)
			continue;
		bool done = speaks(server, version, name);
		ck_assert_msg(!done || promised(name), "version %x, cipher %s", (unsigned)version, name);
		spoken += done;
	}
	ck_assert_uint_gt(spoken, 3);
	SSL_CTX_free(all);
}

static bool strict(const char *name)
{
	return strncmp(name, "ECDHE-", 6) == 0 && (strstr(name, "-GCM-") || strstr(name, "CHACHA20"));
}

static bool for_old_devices(const char *name)
{
	bool exchange = strncmp(name, "ECDHE-", 6) == 0 || strncmp(name, "AES", 3) == 0;
	return exchange && !strstr(name, "CCM") && !strstr(name, "DES") && !strstr(name, "RC4") &&
	       !strstr(name, "NULL");
}

START_TEST(test_strict)
{
	tls_fixture_add(&fixture, "a.example", "2048", NULL);
	tls_fixture_add(&fixture, "a.example-ec", "ec", "DNS:a.example");
	struct tls_server *server = serve();
	ck_assert(!speaks(server, TLS1_VERSION, "ALL:@SECLEVEL=0"));
	ck_assert(!speaks(server, TLS1_1_VERSION, "ALL:@SECLEVEL=0"));
	try_all(server, TLS1_2_VERSION, strict);
	ck_assert(speaks(server, TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"));
	ck_assert(speaks(server, TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"));
	ck_assert(speaks(server, TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"));
	ck_assert(!speaks(server, TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256"));
	tls_server_free(server);
}
END_TEST

START_TEST(test_old_devices)
{
	tls_fixture_add(&fixture, "a.example", "2048", NULL);
	fixture.access.tls_min = CONFIG_TLS_1_0;
	struct tls_server *server = serve();
	ck_assert(speaks(server, TLS1_VERSION, "AES128-SHA"));
	ck_assert(speaks(server, TLS1_1_VERSION, "ECDHE-RSA-AES256-SHA"));
	ck_assert(speaks(server, TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"));
	try_all(server, TLS1_VERSION, for_old_devices);
	try_all(server, TLS1_2_VERSION, for_old_devices);
	tls_server_free(server);
	fixture.access.tls_min = CONFIG_TLS_1_1;
	server = serve();
	ck_assert(!speaks(server, TLS1_VERSION, "ALL:@SECLEVEL=0"));
	ck_assert(speaks(server, TLS1_1_VERSION, "AES128-SHA"));
	tls_server_free(server);
}
END_TEST

START_TEST(test_newest_only)
{
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	fixture.access.tls_min = CONFIG_TLS_1_3;
	struct tls_server *server = serve();
	ck_assert(!speaks(server, TLS1_2_VERSION, "ALL"));
	ck_assert(speaks(server, TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"));
	tls_server_free(server);
}
END_TEST

/* --- tickets --- */

/* A session with SERVER, which resumes *session if possible. *session becomes the new one. */
static bool resumed(struct tls_server *server, SSL_CTX *client, SSL_SESSION **session)
{
	struct pair p;
	connect_pair(&p, server, client);
	if (*session)
		ck_assert_int_eq(SSL_set_session(p.client, *session), 1);
	ck_assert(shake_hands(&p));
	bool was = SSL_session_reused(p.client) == 1;
	SSL_SESSION *next = SSL_get1_session(p.client);
	SSL_shutdown(p.client);
	SSL_shutdown(p.server);
	free_pair(&p);
	SSL_SESSION_free(*session);
	*session = next;
	return was;
}

START_TEST(test_tickets)
{
	const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	/* Two contexts with the same keys are two workers. */
	struct tls_server *one = serve(), *two = serve(), *stranger = serve();
	struct tls_tickets *tickets = tls_tickets_new(0), *strange = tls_tickets_new(0);
	ck_assert(tls_tickets_serve(tickets, tls_server_context(one)));
	ck_assert(tls_tickets_serve(tickets, tls_server_context(two)));
	ck_assert(tls_tickets_serve(strange, tls_server_context(stranger)));
	SSL_CTX *client = any_client();
	SSL_CTX_set_max_proto_version(client, versions[_i]);
	SSL_SESSION *session = NULL;
	int64_t now = 0;
	ck_assert(!resumed(one, client, &session));
	ck_assert(resumed(two, client, &session));
	ck_assert(!resumed(stranger, client, &session));
	ck_assert(!resumed(one, client, &session));
	tls_tickets_tend(tickets, now += TLS_TICKETS_PERIOD_MS);
	ck_assert_msg(resumed(two, client, &session), "after one change");
	tls_tickets_tend(tickets, now += TLS_TICKETS_PERIOD_MS);
	ck_assert_msg(resumed(one, client, &session), "the ticket was renewed with the newest key");
	tls_tickets_tend(tickets, now += TLS_TICKETS_PERIOD_MS);
	tls_tickets_tend(tickets, now += TLS_TICKETS_PERIOD_MS);
	ck_assert_msg(!resumed(two, client, &session), "after two changes");
	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	tls_server_free(one);
	tls_server_free(two);
	tls_server_free(stranger);
	tls_tickets_free(tickets);
	tls_tickets_free(strange);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_server");
	TCase *tcase = tcase_create("server");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_missing);
	tcase_add_test(tcase, test_not_pem);
	tcase_add_test(tcase, test_broken_chain);
	tcase_add_test(tcase, test_wrong_key);
	tcase_add_test(tcase, test_encrypted);
	tcase_add_test(tcase, test_weak);
	tcase_add_test(tcase, test_shown);
	tcase_add_test(tcase, test_strict);
	tcase_add_test(tcase, test_old_devices);
	tcase_add_test(tcase, test_newest_only);
	tcase_add_loop_test(tcase, test_tickets, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
