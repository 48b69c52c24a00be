#include "delivery/web/jwt.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/base64.h"
#include "common/base/fd.h"
#include "delivery/web/object.h"

enum { SHOWN_MAX = 400, ID_OCTETS = 16, PAYLOAD_MAX = 12 * 1024 };

void jwt_base64url(struct str *to, const void *data, size_t n)
{
	size_t start = to->len;
	base64_append(to, data, n);
	while (to->len > start && to->at[to->len - 1] == '=')
		to->at[--to->len] = '\0';
	for (size_t i = start; i < to->len; i++)
		to->at[i] = to->at[i] == '+' ? '-' : to->at[i] == '/' ? '_' : to->at[i];
}

/* A key with a passphrase gets an empty one, so that nothing asks at a terminal. */
static int no_passphrase(char *to, int size, int writing, void *context)
{
	(void)to, (void)size, (void)writing, (void)context;
	return 0;
}

struct evp_pkey_st *jwt_key(struct span pem, char why[JWT_WHY_MAX])
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	if (!key)
		snprintf(why, JWT_WHY_MAX, "it has no private key in PEM, or one with a passphrase");
	else if (!EVP_PKEY_is_a(key, "RSA"))
		snprintf(why, JWT_WHY_MAX, "its key is no RSA key, which issuers of tokens ask for");
	else if (EVP_PKEY_get_bits(key) < JWT_KEY_BITS_MIN)
		snprintf(why, JWT_WHY_MAX, "its RSA key has less than %d bits", JWT_KEY_BITS_MIN);
	else
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static int64_t end_of(const X509 *certificate)
{
	struct tm end = {0};
	return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 ? (int64_t)timegm(&end) : 0;
}

bool jwt_certificate(struct span pem, struct evp_pkey_st *key, struct jwt_certificate *out, char why[JWT_WHY_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct str text;
	str_init(&text, JWT_DIGEST_TEXT);
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	bool read = certificate && X509_digest(certificate, EVP_sha256(), digest, &n);
	bool good = read && X509_check_private_key(certificate, key) == 1;
	if (good) {
		jwt_base64url(&text, digest, n);
		out->ends_s = end_of(certificate);
		good = span_copy(str_span(&text), out->digest, sizeof(out->digest));
	} else {
		snprintf(why, JWT_WHY_MAX, "%s",
			 read ? "the key is not that of the certificate" : "it has no certificate in PEM");
	}
	X509_free(certificate);
	BIO_free(bio);
	str_free(&text);
	return good;
}

static int append_octets(const char *octets, size_t n, void *to)
{
	return str_append(to, (struct span){octets, n}) ? 0 : -1;
}

static void append_json(struct str *to, json_t *object)
{
	struct str text;
	str_init(&text, JWT_MAX);
	if (object && json_dump_callback(object, append_octets, &text, JSON_COMPACT) == 0)
		jwt_base64url(to, text.at, text.len);
	else
		to->failed = true;
	json_decref(object);
	str_free(&text);
}

static void append_header(struct str *to, const struct jwt_signer *s)
{
	const char *algorithm = s->algorithm == CONFIG_ASSERTION_PS256 ? "PS256" : "RS256";
	append_json(to, json_pack("{ss ss ss}", "alg", algorithm, "typ", "JWT", s->name, s->value));
}

static void append_claims(struct str *to, const struct jwt_claims *c)
{
	json_t *object =
		json_pack("{ss ss ss ss* ss* sI sI}", "iss", c->issuer, "sub", c->subject, "aud", c->audience, "scope",
			  c->scope, "jti", c->id, "iat", (json_int_t)c->issued_s, "exp", (json_int_t)c->expires_s);
	if (object && c->not_before && json_object_set_new(object, "nbf", json_integer(c->issued_s)) != 0)
		to->failed = true;
	append_json(to, object);
}

static bool set_padding(EVP_PKEY_CTX *ctx, enum config_assertion algorithm)
{
	if (algorithm == CONFIG_ASSERTION_RS256)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* Appends the signature of all that TO has. */
static bool append_signature(struct str *to, const struct jwt_signer *s)
{
	unsigned char signature[1024];
	size_t n = sizeof(signature);
	EVP_PKEY_CTX *padding;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestSignInit(ctx, &padding, EVP_sha256(), NULL, s->key) == 1 &&
		    set_padding(padding, s->algorithm) &&
		    EVP_DigestSign(ctx, signature, &n, (const unsigned char *)to->at, to->len) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return false;
	str_append_c(to, '.');
	jwt_base64url(to, signature, n);
	return !to->failed;
}

bool jwt_sign(const struct jwt_signer *signer, const struct jwt_claims *claims, struct str *to)
{
	str_clear(to);
	append_header(to, signer);
	str_append_c(to, '.');
	append_claims(to, claims);
	if (!to->failed && append_signature(to, signer))
		return true;
	str_clear(to);
	return false;
}

void jwt_id(char to[JWT_ID_TEXT])
{
	unsigned char r[ID_OCTETS];
	fd_random(r, sizeof(r));
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40); /* version 4 of RFC 9562 */
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	snprintf(to, JWT_ID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
		 r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

/* Decodes base64url; NULL when it is none. */
static json_t *decode(struct span part)
{
	static char octets[PAYLOAD_MAX];
	size_t n = 0;
	struct str text;
	str_init(&text, PAYLOAD_MAX + 4);
	for (size_t i = 0; i < part.len; i++)
		str_append_c(&text, part.at[i] == '-' ? '+' : part.at[i] == '_' ? '/' : part.at[i]);
	while (text.len % 4)
		str_append_c(&text, '=');
	json_t *object = NULL;
	if (!text.failed && base64_decode(str_span(&text), octets, sizeof(octets), &n))
		object = object_parse((struct span){octets, n});
	explicit_bzero(octets, sizeof(octets));
	str_wipe(&text);
	return object;
}

static void show_value(const json_t *value, char to[SHOWN_MAX])
{
	struct str text;
	str_init(&text, PAYLOAD_MAX);
	if (json_is_string(value))
		str_append(&text, (struct span){json_string_value(value), json_string_length(value)});
	else
		json_dump_callback(value, append_octets, &text, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	span_clean(str_span(&text), to, SHOWN_MAX);
	str_free(&text);
}

void jwt_show(struct span token, void (*say)(void *context, const char *name, const char *value), void *context)
{
	static const char *const names[] = {"aud", "iss", "appid", "azp",   "client_id", "app_displayname",
					    "sub", "oid", "upn",   "roles", "scp",       "scope",
					    "tid", "iat", "exp"};
	char value[SHOWN_MAX];
	span_take(&token, '.');
	json_t *claims = decode(span_take(&token, '.'));
	for (size_t i = 0; claims && i < sizeof(names) / sizeof(*names); i++) {
		const json_t *claim = json_object_get(claims, names[i]);
		if (!claim)
			continue;
		show_value(claim, value);
		say(context, names[i], value);
	}
	json_decref(claims);
}
