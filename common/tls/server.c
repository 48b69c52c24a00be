#include "common/tls/server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/sni.h"

static const char strict_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char old_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:RSA+AESGCM:RSA+AES:!AESCCM:@SECLEVEL=0";
static const char tls13_ciphers[] = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

enum {
	CHAIN_MAX = 10,      /* certificates after the first */
	NAMES_MAX = 200,     /* of one certificate: the most that public authorities issue */
	NAMES_SIZE = 1 << 18 /* octets of all names */
};

struct certificate {
	X509 *x509;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

struct tls_server {
	SSL_CTX *context;
	struct arena arena; /* of names */
	struct certificate certificates[TLS_SNI_CERTIFICATES];
	struct tls_sni_certificate names[TLS_SNI_CERTIFICATES]; /* of the same index */
	size_t count;
	uint32_t usual; /* set of certificates for clients without SNI: those of `context` */
};

/* --- reading files --- */

/* Reports the error of OpenSSL or the system for FILE. Only the first error is the cause. */
static bool bad_file(const char *file, const char *remedy, struct str *why)
{
	unsigned long error = ERR_peek_error();
	const char *text = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
	str_printf(why, "%s: %s; %s", file, text ? text : "can't be read", remedy);
	ERR_clear_error();
	return false;
}

static bool read_chain(BIO *file, struct certificate *to)
{
	to->chain = sk_X509_new_null();
	while (to->chain && sk_X509_num(to->chain) < CHAIN_MAX) {
		X509 *next = PEM_read_bio_X509(file, NULL, NULL, NULL);
		if (!next)
			return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
		sk_X509_push(to->chain, next);
	}
	return to->chain;
}

static bool read_certificate(const char *name, struct certificate *to, struct str *why)
{
	BIO *file = BIO_new_file(name, "r");
	if (!file)
		return bad_file(name, "the first file of tls_certificate is the certificate", why);
	to->x509 = PEM_read_bio_X509_AUX(file, NULL, NULL, NULL);
	bool whole = to->x509 && read_chain(file, to);
	BIO_free(file);
	if (!whole)
		return bad_file(
			name, "the file must hold the certificate in PEM (-----BEGIN CERTIFICATE-----), then its chain",
			why);
	ERR_clear_error();
	return true;
}

/* OpenSSL's callback for a passphrase: there is none. */
static int no_password(char *buffer, int size, int writing, void *asked)
{
	(void)buffer;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static bool read_key(const char *name, struct certificate *to, struct str *why)
{
	bool asked = false;
	BIO *file = BIO_new_file(name, "r");
	if (!file)
		return bad_file(name, "the second file of tls_certificate is the key", why);
	to->key = PEM_read_bio_PrivateKey(file, NULL, no_password, &asked);
	BIO_free(file);
	if (asked && !to->key)
		return bad_file(name, "the key is encrypted: write it without a password (openssl pkey), 0600", why);
	if (!to->key)
		return bad_file(name, "the file must hold the private key in PEM (-----BEGIN PRIVATE KEY-----)", why);
	ERR_clear_error();
	return true;
}

/* --- names --- */

static bool add_name(struct tls_server *s, struct span *names, size_t *count, const ASN1_STRING *text)
{
	struct span name = {(const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)};
	if (memchr(name.at, '\0', name.len))
		return true;
	const char *copy = arena_copy(&s->arena, name);
	names[(*count)++] = (struct span){copy, name.len};
	return copy;
}

/* Its DNS names, or if it has none its common name: clients ignore that, but it shows the intention. */
static bool learn_names(struct tls_server *s, const X509 *x509, struct tls_sni_certificate *out)
{
	struct span *names = arena_alloc(&s->arena, NAMES_MAX * sizeof(*names));
	GENERAL_NAMES *all = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	size_t count = 0;
	bool ok = names;
	for (int i = 0; ok && i < sk_GENERAL_NAME_num(all) && count < NAMES_MAX; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
		if (name->type == GEN_DNS)
			ok = add_name(s, names, &count, name->d.dNSName);
	}
	GENERAL_NAMES_free(all);
	const X509_NAME *subject = X509_get_subject_name(x509);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (ok && !count && at >= 0)
		ok = add_name(s, names, &count, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	*out = (struct tls_sni_certificate){EVP_PKEY_get_base_id(X509_get0_pubkey(x509)), names, count};
	return ok;
}

/* --- the context --- */

static int show(SSL *ssl, const struct tls_server *s, uint32_t which)
{
	SSL_certs_clear(ssl);
	for (size_t i = 0; i < s->count; i++) {
		const struct certificate *c = &s->certificates[i];
		if (which & 1U << i && SSL_use_cert_and_key(ssl, c->x509, c->key, c->chain, 1) != 1)
			return 0;
	}
	return 1;
}

/* Called with the client's server name, which may hold any octets: it is only compared. */
static int choose(SSL *ssl, void *context)
{
	const struct tls_server *s = context;
	struct span asked = span_of(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	uint32_t which = tls_sni_choose(s->names, s->count, asked);
	return which == s->usual ? 1 : show(ssl, s, which);
}

static int version_number(enum config_tls_min min)
{
	static const int numbers[] = {[CONFIG_TLS_1_0] = TLS1_VERSION,
				      [CONFIG_TLS_1_1] = TLS1_1_VERSION,
				      [CONFIG_TLS_1_2] = TLS1_2_VERSION,
				      [CONFIG_TLS_1_3] = TLS1_3_VERSION};
	return numbers[min];
}

static bool make_context(struct tls_server *s, enum config_tls_min min)
{
	SSL_CTX *context = s->context = SSL_CTX_new(TLS_server_method());
	bool old = min < CONFIG_TLS_1_2;
	if (!context)
		return false;
	SSL_CTX_set_security_level(context, old ? 0 : 2);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_SINGLE_ECDH_USE |
					     SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_cert_cb(context, choose, s);
	return SSL_CTX_set_min_proto_version(context, version_number(min)) == 1 &&
	       SSL_CTX_set_cipher_list(context, old ? old_ciphers : strict_ciphers) == 1 &&
	       SSL_CTX_set_ciphersuites(context, tls13_ciphers) == 1 &&
	       SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

/* Each certificate must be acceptable by the rules of the context. */
static bool try_certificate(const struct tls_server *s, const struct config_certificate *at,
			    const struct certificate *c, struct str *why)
{
	if (X509_check_private_key(c->x509, c->key) != 1) {
		str_printf(why, "%s is not the key of %s: name two files that belong together", at->key,
			   at->certificate);
		ERR_clear_error();
		return false;
	}
	SSL *ssl = SSL_new(s->context);
	bool fits = ssl && SSL_use_cert_and_key(ssl, c->x509, c->key, c->chain, 1) == 1;
	SSL_free(ssl);
	return fits ||
	       bad_file(
		       at->certificate,
		       "clients refuse such a certificate: get one with an RSA key of 2048 bits or more, or an ECDSA key, signed with SHA-256",
		       why);
}

static bool add_certificate(struct tls_server *s, const struct config_certificate *at, struct str *why)
{
	struct certificate *c = &s->certificates[s->count];
	if (at->origin.file)
		str_printf(why, "%s:%u: ", at->origin.file, at->origin.line);
	str_append_text(why, "tls_certificate: ");
	s->count++;
	if (!read_certificate(at->certificate, c, why) || !read_key(at->key, c, why) || !try_certificate(s, at, c, why))
		return false;
	if (!learn_names(s, c->x509, &s->names[s->count - 1])) {
		str_printf(why, "%s: out of memory", at->certificate);
		return false;
	}
	str_clear(why);
	return true;
}

/* What SSL_new copies: `choose` changes it only for clients that ask for another name. */
static bool load_usual(struct tls_server *s)
{
	s->usual = tls_sni_choose(s->names, s->count, (struct span){0});
	for (size_t i = 0; i < s->count; i++) {
		const struct certificate *c = &s->certificates[i];
		if (s->usual & 1U << i && SSL_CTX_use_cert_and_key(s->context, c->x509, c->key, c->chain, 1) != 1)
			return false;
	}
	return true;
}

struct tls_server *tls_server_new(const struct config_access *access, struct str *why)
{
	struct tls_server *s = calloc(1, sizeof(*s));
	const struct config_certificates *list = &access->tls_certificate;
	bool ok = s && list->n <= TLS_SNI_CERTIFICATES;
	if (s)
		arena_init(&s->arena, NAMES_SIZE);
	if (!ok || !make_context(s, access->tls_min)) {
		str_append_text(why, "can't set up TLS: OpenSSL refuses");
		ok = false;
	}
	for (size_t i = 0; ok && i < list->n; i++)
		ok = add_certificate(s, &list->at[i], why);
	if (ok && load_usual(s))
		return s;
	tls_server_free(s);
	ERR_clear_error();
	return NULL;
}

void tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		X509_free(s->certificates[i].x509);
		sk_X509_pop_free(s->certificates[i].chain, X509_free);
		EVP_PKEY_free(s->certificates[i].key);
	}
	SSL_CTX_free(s->context);
	arena_free(&s->arena);
	free(s);
}

SSL_CTX *tls_server_context(const struct tls_server *s)
{
	return s->context;
}
