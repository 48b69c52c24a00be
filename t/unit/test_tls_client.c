/*
 * Verification of hosts in real handshakes over a socket pair, with certificates that are made here: an authority, its
 * certificates, its revocation list.
 */
#include "common/tls/client.h"

#include <check.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "t/unit/suite.h"

enum { DAY = 24 * 60 * 60, PATH_ROOM = 64 };

struct issued {
	X509 *certificate;
	EVP_PKEY *key;
	char fingerprint[65];
};

static struct issued authority, stranger;
static long serial;
static char folder[PATH_ROOM], ca_file[PATH_ROOM + 16], crl_file[PATH_ROOM + 16];

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	ck_assert_msg(extension != NULL, "%s", value);
	ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void note_fingerprint(struct issued *i)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;
	ck_assert_int_eq(X509_digest(i->certificate, EVP_sha256(), digest, &len), 1);
	for (unsigned at = 0; at < len; at++)
		snprintf(i->fingerprint + 2 * at, 3, "%02x", digest[at]);
}

/* Signed by ISSUER, or self-signed if NULL; valid from BEGIN to END, seconds from now; NAMES as in openssl, NULL =
 * an authority. */
static struct issued issue(const struct issued *issuer, const char *common, const char *names, long begin, long end)
{
	struct issued i = {X509_new(), EVP_EC_gen("P-256"), ""};
	X509_set_version(i.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(i.certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(i.certificate), begin);
	X509_gmtime_adj(X509_getm_notAfter(i.certificate), end);
	X509_set_pubkey(i.certificate, i.key);
	X509_NAME *subject = X509_get_subject_name(i.certificate);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0);
	X509_set_issuer_name(i.certificate, issuer ? X509_get_subject_name(issuer->certificate) : subject);
	add_extension(i.certificate, NID_basic_constraints, names ? "CA:FALSE" : "critical,CA:TRUE");
	if (names)
		add_extension(i.certificate, NID_subject_alt_name, names);
	ck_assert_int_gt(X509_sign(i.certificate, issuer ? issuer->key : i.key, EVP_sha256()), 0);
	note_fingerprint(&i);
	return i;
}

static void forget(struct issued *i)
{
	X509_free(i->certificate);
	EVP_PKEY_free(i->key);
}

/* The authority and, with REVOKED, its revocation list, valid from BEGIN to END. */
static void write_ca(const char *path, const X509 *revoked, long begin, long end)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	PEM_write_X509(file, authority.certificate);
	if (revoked) {
		X509_CRL *list = X509_CRL_new();
		X509_REVOKED *entry = X509_REVOKED_new();
		ASN1_TIME *from = X509_gmtime_adj(NULL, begin), *to = X509_gmtime_adj(NULL, end);
		X509_CRL_set_version(list, 1);
		X509_CRL_set_issuer_name(list, X509_get_subject_name(authority.certificate));
		X509_CRL_set1_lastUpdate(list, from);
		X509_CRL_set1_nextUpdate(list, to);
		X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked));
		X509_REVOKED_set_revocationDate(entry, from);
		X509_CRL_add0_revoked(list, entry);
		ck_assert_int_gt(X509_CRL_sign(list, authority.key, EVP_sha256()), 0);
		PEM_write_X509_CRL(file, list);
		X509_CRL_free(list);
		ASN1_TIME_free(from);
		ASN1_TIME_free(to);
	}
	fclose(file);
}

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/tls_client.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", folder);
	snprintf(crl_file, sizeof(crl_file), "%s/crl.pem", folder);
	authority = issue(NULL, "An Authority", NULL, -DAY, DAY);
	stranger = issue(NULL, "Another Authority", NULL, -DAY, DAY);
	write_ca(ca_file, NULL, 0, 0);
}

static void teardown(void)
{
	unlink(ca_file);
	unlink(crl_file);
	rmdir(folder);
	forget(&authority);
	forget(&stranger);
}

struct host {
	int fd;
	const struct issued *shows;
	int max_version;
	bool asks; /* for our certificate */
	char sni[256], client[64];
};

static int accept_any(int good, X509_STORE_CTX *context)
{
	(void)good;
	(void)context;
	return 1;
}

static void *serve(void *data)
{
	struct host *h = data;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(context, h->max_version);
	SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
	SSL_CTX_use_certificate(context, h->shows->certificate);
	SSL_CTX_use_PrivateKey(context, h->shows->key);
	if (h->asks)
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
	SSL *ssl = SSL_new(context);
	SSL_set_fd(ssl, h->fd);
	if (SSL_accept(ssl) == 1) {
		const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
		X509 *client = SSL_get0_peer_certificate(ssl);
		snprintf(h->sni, sizeof(h->sni), "%s", sni ? sni : "");
		if (client)
			X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, h->client,
						  sizeof(h->client));
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(context);
	shutdown(h->fd, SHUT_RDWR);
	return NULL;
}

/* A handshake with HOST according to OUTBOUND, then the verification, whose reason is in WHY. True if both
 * succeeded. */
static bool meet(struct host *host, const struct config_outbound *outbound, const struct tls_client_expect *expect,
		 char why[TLS_CLIENT_WHY_MAX])
{
	int ends[2];
	pthread_t thread;
	struct stream stream;
	struct tls_channel channel;
	char handshake[TLS_WHY_MAX];
	SSL_CTX *context = tls_client_context(outbound, why);
	ck_assert_msg(context != NULL, "%s", why);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	host->fd = ends[1];
	if (!host->max_version)
		host->max_version = TLS1_3_VERSION;
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, host), 0);
	ck_assert(stream_init(&stream, ends[0], 5000));
	ck_assert(tls_channel_init(&channel, context, &stream) && tls_client_name(&channel, expect));
	bool good = tls_channel_connect(&channel, handshake) == TLS_OK;
	if (good)
		good = config_outbound_tls(outbound) != CONFIG_TLS_VERIFY || tls_client_check(&channel, expect, why);
	else
		snprintf(why, TLS_CLIENT_WHY_MAX, "handshake: %s", handshake);
	tls_channel_close(&channel);
	shutdown(ends[0], SHUT_RDWR);
	pthread_join(thread, NULL);
	stream_free(&stream);
	close(ends[0]);
	close(ends[1]);
	SSL_CTX_free(context);
	return good;
}

/* The result of tls verify for a certificate: NULL = accepted, otherwise words of the reason. */
static void verify(const struct issued *shows, const char *ca, const char *name, const char *ip, const char *objection)
{
	struct host host = {.shows = shows};
	struct config_outbound outbound = {.tls = CONFIG_TLS_VERIFY, .tls_ca = ca};
	struct tls_client_expect expect = {.name = span_of(name)};
	struct ipaddr address;
	char why[TLS_CLIENT_WHY_MAX] = "";
	if (ip) {
		ck_assert(ipaddr_parse(span_of(ip), &address));
		expect.ip = &address;
	}
	bool good = meet(&host, &outbound, &expect, why);
	ck_assert_msg(good == !objection, "%s %s: %s", name ? name : "", ip ? ip : "", good ? "accepted" : why);
	if (objection)
		ck_assert_msg(strstr(why, objection) != NULL, "\"%s\" is not in \"%s\"", objection, why);
}

START_TEST(names_of_hosts)
{
	static const struct {
		const char *common, *names, *name, *ip, *objection;
	} cases[] = {
		{"x", "DNS:mx.example.net", "mx.example.net", NULL, NULL},
		{"x", "DNS:MX.Example.NET", "mx.example.net", NULL, NULL},
		{"x", "DNS:a.example, DNS:mx.example.net", "mx.example.net", NULL, NULL},
		{"x", "DNS:*.example.net", "mx.example.net", NULL, NULL},
		{"x", "DNS:*.example.net", "a.mx.example.net", NULL, "certificate is for *.example.net, not"},
		{"x", "DNS:*.example.net", "example.net", NULL, "certificate is for"},
		{"x", "DNS:m*.example.net", "mx.example.net", NULL, "certificate is for"},
		{"mx.example.net", "DNS:other.example", "mx.example.net", NULL,
		 "certificate is for other.example, not mx.example.net; set tls_name"},
		{"mx.example.net", "IP:192.0.2.1", "mx.example.net", NULL, NULL},
		{"x", "IP:192.0.2.1", NULL, "192.0.2.1", NULL},
		{"x", "IP:192.0.2.1", NULL, "192.0.2.2", "not 192.0.2.2"},
		{"x", "IP:2001:db8::1", NULL, "2001:db8::1", NULL},
		{"192.0.2.1", "DNS:192.0.2.1", NULL, "192.0.2.1", "certificate is for 192.0.2.1, not 192.0.2.1"},
		{"x", "DNS:a b\x01", "mx.example.net", NULL, "certificate is for a?b?, not"},
		{"no names", "email:a@example.net", "mx.example.net", NULL, "certificate is for no?names, not"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct issued certificate = issue(&authority, cases[i].common, cases[i].names, -DAY, DAY);
		verify(&certificate, ca_file, cases[i].name, cases[i].ip, cases[i].objection);
		forget(&certificate);
	}
}
END_TEST

START_TEST(authorities_and_dates)
{
	static const char names[] = "DNS:mx.example.net";
	struct issued expired = issue(&authority, "x", names, -2 * DAY, -DAY);
	struct issued early = issue(&authority, "x", names, DAY, 2 * DAY);
	struct issued foreign = issue(&stranger, "x", names, -DAY, DAY);
	struct issued self = issue(NULL, "x", names, -DAY, DAY);
	verify(&expired, ca_file, "mx.example.net", NULL, "certificate has expired; its owner");
	verify(&early, ca_file, "mx.example.net", NULL, "certificate is not yet valid; its owner");
	verify(&foreign, ca_file, "mx.example.net", NULL, "certificate is from an unknown authority");
	verify(&self, ca_file, "mx.example.net", NULL, self.fingerprint);
	verify(&self, NULL, "mx.example.net", NULL, "certificate is from an unknown authority");
	forget(&expired);
	forget(&early);
	forget(&foreign);
	forget(&self);
}
END_TEST

/* tls_ca has an intermediate authority without its root: that is enough. */
START_TEST(authority_below_another)
{
	struct issued below = issue(&stranger, "A Lower Authority", NULL, -DAY, DAY);
	struct issued good = issue(&below, "x", "DNS:mx.example.net", -DAY, DAY);
	FILE *file = fopen(ca_file, "w");
	PEM_write_X509(file, below.certificate);
	fclose(file);
	verify(&good, ca_file, "mx.example.net", NULL, NULL);
	verify(&stranger, ca_file, "mx.example.net", NULL, "certificate is from an unknown authority");
	forget(&below);
	forget(&good);
}
END_TEST

/* A revocation list counts if there is one; an expired list refuses every host. */
START_TEST(revocation)
{
	struct issued good = issue(&authority, "x", "DNS:mx.example.net", -DAY, DAY);
	struct issued bad = issue(&authority, "x", "DNS:mx.example.net", -DAY, DAY);
	verify(&bad, ca_file, "mx.example.net", NULL, NULL);
	write_ca(crl_file, bad.certificate, -DAY, DAY);
	verify(&good, crl_file, "mx.example.net", NULL, NULL);
	verify(&bad, crl_file, "mx.example.net", NULL, "certificate revoked");
	write_ca(crl_file, bad.certificate, -2 * DAY, -DAY);
	verify(&good, crl_file, "mx.example.net", NULL, "CRL has expired; renew the list in tls_ca");
	forget(&good);
	forget(&bad);
}
END_TEST

/* Another authority in the same file, without a list. */
START_TEST(authority_without_list)
{
	struct issued good = issue(&stranger, "x", "DNS:mx.example.net", -DAY, DAY);
	write_ca(crl_file, good.certificate, -DAY, DAY);
	FILE *file = fopen(crl_file, "a");
	PEM_write_X509(file, stranger.certificate);
	fclose(file);
	verify(&good, crl_file, "mx.example.net", NULL, NULL);
	forget(&good);
}
END_TEST

/* With a fingerprint nothing else counts, and every level becomes verify. */
START_TEST(fingerprints)
{
	struct issued self = issue(NULL, "x", "DNS:other.example", -2 * DAY, -DAY);
	struct host host = {.shows = &self};
	const char *pins[] = {authority.fingerprint, self.fingerprint};
	char why[TLS_CLIENT_WHY_MAX];
	for (int level = CONFIG_TLS_OPPORTUNISTIC; level <= CONFIG_TLS_VERIFY; level++) {
		struct config_outbound outbound = {.tls = (enum config_tls)level, .tls_fingerprint = {pins, 2}};
		struct tls_client_expect expect = {.name = SPAN("mx.example.net"), .fingerprints = {pins, 2}};
		ck_assert_int_eq(config_outbound_tls(&outbound), CONFIG_TLS_VERIFY);
		ck_assert_msg(meet(&host, &outbound, &expect, why), "%s", why);
		ck_assert_str_eq(host.sni, "mx.example.net");
		expect.fingerprints.n = 1;
		ck_assert(!meet(&host, &outbound, &expect, why));
		ck_assert_msg(strstr(why, self.fingerprint) != NULL, "%s", why);
	}
	struct config_outbound off = {.tls = CONFIG_TLS_OFF, .tls_fingerprint = {pins, 2}};
	ck_assert_int_eq(config_outbound_tls(&off), CONFIG_TLS_OFF);
	ck_assert_ptr_null(tls_client_context(&off, why));
	ck_assert_str_eq(why, "");
	forget(&self);
}
END_TEST

/* Old TLS is accepted if clear is, but not if TLS is required. */
START_TEST(versions)
{
	struct host host = {.shows = &stranger};
	struct tls_client_expect expect = {.name = SPAN("mx.example.net")};
	char why[TLS_CLIENT_WHY_MAX] = "";
	static const int old[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};
	for (int i = 0; i < 3; i++) {
		struct config_outbound any = {.tls = CONFIG_TLS_OPPORTUNISTIC}, must = {.tls = CONFIG_TLS_ENCRYPT};
		host.max_version = old[i];
		ck_assert_msg(meet(&host, &any, &expect, why), "%d: %s", i, why);
		ck_assert_int_eq(meet(&host, &must, &expect, why), old[i] == TLS1_2_VERSION);
	}
}
END_TEST

static void write_certificate(const struct issued *i, const char *path, const char *key_path)
{
	FILE *file = fopen(path, "w"), *key = fopen(key_path, "w");
	PEM_write_X509(file, i->certificate);
	PEM_write_PrivateKey(key, i->key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	fclose(key);
}

START_TEST(client_certificate)
{
	char path[PATH_ROOM + 16], key[PATH_ROOM + 16], why[TLS_CLIENT_WHY_MAX] = "";
	struct issued ours = issue(&authority, "relay.example.com", "DNS:relay.example.com", -DAY, DAY);
	struct config_certificate pair = {.certificate = path, .key = key};
	struct config_outbound outbound = {.tls = CONFIG_TLS_ENCRYPT, .client_certificate = {&pair, 1}};
	struct tls_client_expect expect = {.name = SPAN("mx.example.net")};
	struct host host = {.shows = &stranger, .asks = true};
	snprintf(path, sizeof(path), "%s/ours.pem", folder);
	snprintf(key, sizeof(key), "%s/ours.key", folder);
	write_certificate(&ours, path, key);
	ck_assert_msg(meet(&host, &outbound, &expect, why), "%s", why);
	ck_assert_str_eq(host.client, "relay.example.com");
	write_certificate(&stranger, path, key);
	write_certificate(&ours, path, "/dev/null");
	ck_assert_ptr_null(tls_client_context(&outbound, why));
	ck_assert_msg(strstr(why, "can't use the key") && strstr(why, key), "%s", why);
	pair.certificate = "/nowhere/ours.pem";
	ck_assert_ptr_null(tls_client_context(&outbound, why));
	ck_assert_msg(strstr(why, "can't use client_certificate /nowhere/ours.pem: No such file"), "%s", why);
	unlink(path);
	unlink(key);
	forget(&ours);
}
END_TEST

START_TEST(unusable_authorities)
{
	char why[TLS_CLIENT_WHY_MAX];
	struct config_outbound outbound = {.tls = CONFIG_TLS_VERIFY, .tls_ca = "/nowhere/ca.pem"};
	ck_assert_ptr_null(tls_client_context(&outbound, why));
	ck_assert_msg(strstr(why, "can't read the authorities of /nowhere/ca.pem: No such file"), "%s", why);
	outbound.tls_ca = "/dev/null";
	ck_assert_ptr_null(tls_client_context(&outbound, why));
	ck_assert_msg(strstr(why, "/dev/null"), "%s", why);
}
END_TEST

START_TEST(same_context)
{
	const char *pin = "00";
	struct config_certificate pair = {.certificate = "a", .key = "b"};
	struct config_outbound a = {.tls = CONFIG_TLS_VERIFY, .tls_ca = "x"}, b = a;
	ck_assert(tls_client_same_context(&a, &b));
	b.tls_ca = "y";
	ck_assert(!tls_client_same_context(&a, &b));
	a.tls = b.tls = CONFIG_TLS_ENCRYPT;
	ck_assert(tls_client_same_context(&a, &b));
	b.tls = CONFIG_TLS_OPPORTUNISTIC;
	ck_assert(!tls_client_same_context(&a, &b));
	b = a;
	b.client_certificate = (struct config_certificates){&pair, 1};
	ck_assert(!tls_client_same_context(&a, &b));
	b = a;
	a.tls = CONFIG_TLS_VERIFY;
	b.tls_fingerprint = (struct config_words){&pin, 1};
	ck_assert(!tls_client_same_context(&a, &b));
}
END_TEST

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	Suite *suite = suite_create("tls_client");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, names_of_hosts);
	tcase_add_test(all, authorities_and_dates);
	tcase_add_test(all, authority_below_another);
	tcase_add_test(all, revocation);
	tcase_add_test(all, authority_without_list);
	tcase_add_test(all, fingerprints);
	tcase_add_test(all, versions);
	tcase_add_test(all, client_certificate);
	tcase_add_test(all, unusable_authorities);
	tcase_add_test(all, same_context);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
