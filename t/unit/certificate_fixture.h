/* Certificates and keys of every quality, made at run time as text in PEM; and what an administrator hears of them. */
#ifndef T_UNIT_CERTIFICATE_FIXTURE_H
#define T_UNIT_CERTIFICATE_FIXTURE_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/tls/certificate.h"
#include "t/unit/suite.h"

enum { NOW = 1800000000, DAY = 86400 };

/* The findings, one line each, with the initial of their grade. */
static struct str said;
static const char letters[] = {[CERTIFICATE_NOTE] = 'N', [CERTIFICATE_WARNING] = 'W', [CERTIFICATE_ERROR] = 'E'};

static inline void listen(void *context, enum certificate_grade grade, const char *text)
{
	(void)context;
	str_printf(&said, "%c %s\n", letters[grade], text);
}
static const struct certificate_listener to = {.say = listen};

static inline void hear(const char *what)
{
	ck_assert_msg(strstr(str_text(&said), what) != NULL, "no \"%s\" in:\n%s", what, str_text(&said));
}

static inline void hear_nothing(void)
{
	ck_assert_str_eq(str_text(&said), "");
}

struct made {
	EVP_PKEY *key;
	X509 *certificate;
};

static inline EVP_PKEY *ecdsa(void)
{
	return EVP_EC_gen("P-256");
}

static inline void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* KEY becomes its key. ISSUER NULL: self-signed. */
static inline struct made make(EVP_PKEY *key, const char *name, const char *alt, const char *usage,
			       const struct made *issuer)
{
	struct made made = {key, X509_new()};
	X509_NAME *subject = X509_get_subject_name(made.certificate);

	ck_assert_ptr_nonnull(key);
	X509_set_version(made.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), 7);
	ASN1_TIME_set(X509_getm_notBefore(made.certificate), NOW - 30 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(made.certificate), NOW + 30 * DAY);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made.certificate, issuer ? X509_get_subject_name(issuer->certificate) : subject);
	X509_set_pubkey(made.certificate, key);
	if (alt)
		add_extension(made.certificate, NID_subject_alt_name, alt);
	if (usage)
		add_extension(made.certificate, NID_ext_key_usage, usage);
	ck_assert_int_gt(X509_sign(made.certificate, issuer ? issuer->key : key, EVP_sha256()), 0);
	return made;
}

static inline struct made plain(void)
{
	return make(ecdsa(), "mail.example.com", "DNS:mail.example.com,DNS:*.example.net", NULL, NULL);
}

static inline void unmake(struct made *made)
{
	EVP_PKEY_free(made->key);
	X509_free(made->certificate);
}

static inline void append_bio(BIO *bio, struct str *text)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	ck_assert(str_append(text, (struct span){at, (size_t)len}));
	BIO_free(bio);
}

static inline void append_certificate(const struct made *made, struct str *text)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert_int_eq(PEM_write_bio_X509(bio, made->certificate), 1);
	append_bio(bio, text);
}

static inline void append_key(const struct made *made, const char *passphrase, struct str *text)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, made->key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
						  (void *)passphrase),
			 1);
	append_bio(bio, text);
}

static struct str certificate_text, key_text;
static struct certificate c;

static inline void setup(void)
{
	str_init(&said, 100000);
	str_init(&certificate_text, 100000);
	str_init(&key_text, 100000);
	c = (struct certificate){0};
}

static inline void teardown(void)
{
	str_free(&said);
	str_free(&certificate_text);
	str_free(&key_text);
	certificate_free(&c);
}

#endif
