/* Signed assertions, verified with OpenSSL as an issuer would; keys that are refused; claims for the eye. */
#include "delivery/web/jwt.h"
#include "t/unit/suite.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "delivery/web/account.h"
#include "delivery/web/object.h"

static EVP_PKEY *key;
static char key_pem[8192], certificate_pem[8192], why[JWT_WHY_MAX];
static struct str token;

static void to_pem(EVP_PKEY *from, char *to, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, from, NULL, NULL, 0, NULL, NULL), 1);
	int n = BIO_read(bio, to, (int)size - 1);
	ck_assert_int_gt(n, 0);
	to[n] = '\0';
	BIO_free(bio);
}

static X509 *make_certificate(EVP_PKEY *of)
{
	X509 *x = X509_new();
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	ASN1_TIME_set_string(X509_getm_notBefore(x), "20260101000000Z");
	ASN1_TIME_set_string(X509_getm_notAfter(x), "20270501000000Z");
	X509_set_pubkey(x, of);
	ck_assert_int_gt(X509_sign(x, of, EVP_sha256()), 0);
	return x;
}

static void setup(void)
{
	key = EVP_RSA_gen(2048);
	to_pem(key, key_pem, sizeof(key_pem));
	X509 *x = make_certificate(key);
	BIO *bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, x);
	int n = BIO_read(bio, certificate_pem, sizeof(certificate_pem) - 1);
	certificate_pem[n] = '\0';
	BIO_free(bio);
	X509_free(x);
	str_init(&token, JWT_MAX);
}

static void teardown(void)
{
	EVP_PKEY_free(key);
	str_free(&token);
}

static size_t decode(struct span part, unsigned char *to, size_t size)
{
	char text[8192];
	size_t n = 0, len = part.len;
	memcpy(text, part.at, part.len);
	for (size_t i = 0; i < len; i++) {
		ck_assert(text[i] != '+' && text[i] != '/' && text[i] != '=');
		text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	}
	while (len % 4)
		text[len++] = '=';
	ck_assert(base64_decode((struct span){text, len}, to, size, &n));
	return n;
}

static const struct jwt_claims claims = {.issuer = "535fb089",
					 .subject = "535fb089",
					 .audience = "https://idp.example/\"token",
					 .id = "id",
					 .issued_s = 1000,
					 .expires_s = 1300,
					 .not_before = true};

static bool verifies(struct span signed_text, const unsigned char *signature, size_t n, int padding)
{
	EVP_PKEY_CTX *how;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_DigestVerifyInit(ctx, &how, EVP_sha256(), NULL, key);
	EVP_PKEY_CTX_set_rsa_padding(how, padding);
	if (padding == RSA_PKCS1_PSS_PADDING)
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32);
	bool good = EVP_DigestVerify(ctx, signature, n, (const unsigned char *)signed_text.at, signed_text.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static const struct {
	enum config_assertion algorithm;
	int padding, other;
	const char *header;
} algorithms[] = {
	{CONFIG_ASSERTION_PS256, RSA_PKCS1_PSS_PADDING, RSA_PKCS1_PADDING,
	 "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"v\"}"},
	{CONFIG_ASSERTION_RS256, RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING,
	 "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t#S256\":\"v\"}"},
};

START_TEST(an_issuer_can_verify_the_signature)
{
	unsigned char octets[4096], signature[4096];
	const struct jwt_signer signer = {
		.key = key, .algorithm = algorithms[_i].algorithm, .name = "x5t#S256", .value = "v"};
	ck_assert(jwt_sign(&signer, &claims, &token));
	struct span rest = str_span(&token), header = span_take(&rest, '.'), payload = span_take(&rest, '.');
	struct span both = {token.at, header.len + 1 + payload.len};
	size_t n = decode(header, octets, sizeof(octets));
	ck_assert(span_equal((struct span){(char *)octets, n}, span_of(algorithms[_i].header)));
	n = decode(payload, octets, sizeof(octets));
	json_t *object = object_parse((struct span){(char *)octets, n});
	ck_assert_str_eq(json_string_value(json_object_get(object, "aud")), claims.audience);
	ck_assert_str_eq(json_string_value(json_object_get(object, "jti")), "id");
	ck_assert_int_eq(json_integer_value(json_object_get(object, "nbf")), 1000);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "iat")), 1000);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "exp")), 1300);
	ck_assert_ptr_null(json_object_get(object, "scope"));
	json_decref(object);
	n = decode(rest, signature, sizeof(signature));
	ck_assert(verifies(both, signature, n, algorithms[_i].padding));
	ck_assert(!verifies(both, signature, n, algorithms[_i].other));
	signature[0] ^= 1;
	ck_assert(!verifies(both, signature, n, algorithms[_i].padding));
}
END_TEST

START_TEST(the_digest_is_that_of_the_certificate)
{
	/* The example of RFC 4648 10, and what differs from base64. */
	struct jwt_certificate c;
	jwt_base64url(&token, "\xfb\xff", 2);
	ck_assert_str_eq(str_text(&token), "-_8");
	EVP_PKEY *read = jwt_key(span_of(key_pem), why);
	ck_assert_ptr_nonnull(read);
	ck_assert(jwt_certificate(span_of(certificate_pem), read, &c, why));
	ck_assert_int_eq(c.ends_s, 1809129600);
	ck_assert_uint_eq(strlen(c.digest), 43);
	EVP_PKEY_free(read);
}
END_TEST

START_TEST(keys_that_issuers_do_not_take_are_refused)
{
	char pem[8192];
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *small = EVP_RSA_gen(1024);
	to_pem(ec, pem, sizeof(pem));
	ck_assert_ptr_null(jwt_key(span_of(pem), why));
	ck_assert_ptr_nonnull(strstr(why, "no RSA key"));
	to_pem(small, pem, sizeof(pem));
	ck_assert_ptr_null(jwt_key(span_of(pem), why));
	ck_assert_ptr_nonnull(strstr(why, "less than 2048"));
	ck_assert_ptr_null(jwt_key(SPAN("no key"), why));
	ck_assert_ptr_nonnull(strstr(why, "no private key"));
	EVP_PKEY_free(ec);
	EVP_PKEY_free(small);
}
END_TEST

START_TEST(a_certificate_of_another_key_is_refused)
{
	struct jwt_certificate c;
	EVP_PKEY *other = EVP_RSA_gen(2048);
	ck_assert(!jwt_certificate(span_of(certificate_pem), other, &c, why));
	ck_assert_ptr_nonnull(strstr(why, "not that of the certificate"));
	ck_assert(!jwt_certificate(span_of(key_pem), key, &c, why));
	ck_assert_ptr_nonnull(strstr(why, "no certificate"));
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(names_of_requests_differ)
{
	char a[JWT_ID_TEXT], b[JWT_ID_TEXT];
	jwt_id(a);
	jwt_id(b);
	ck_assert_uint_eq(strlen(a), 36);
	ck_assert_int_eq(a[14], '4');
	ck_assert_str_ne(a, b);
}
END_TEST

static void say(void *context, const char *name, const char *value)
{
	str_printf(context, "%s=%s\n", name, value);
}

static void show(const char *payload, struct str *to)
{
	struct str text;
	str_init(&text, JWT_MAX);
	str_append_text(&text, "e30.");
	jwt_base64url(&text, payload, strlen(payload));
	str_append_text(&text, ".c2ln");
	jwt_show(str_span(&text), say, to);
	str_free(&text);
}

START_TEST(claims_are_shown_and_nothing_else)
{
	show("{\"aud\":\"https://outlook.office365.com\",\"roles\":[\"SMTP.SendAsApp\"],\"exp\":1809129600,"
	     "\"secret\":\"no\",\"tid\":\"a\\u001b[2J\"}",
	     &token);
	ck_assert_str_eq(str_text(&token), "aud=https://outlook.office365.com\nroles=[\"SMTP.SendAsApp\"]\n"
					   "tid=a\\x1b[2J\nexp=1809129600\n");
	str_clear(&token);
	jwt_show(SPAN("ya29.a0AfH6SMBx"), say, &token);
	jwt_show(SPAN("opaque"), say, &token);
	jwt_show(SPAN(""), say, &token);
	ck_assert_str_eq(str_text(&token), "");
}
END_TEST

#define GOOGLE "https://oauth2.googleapis.com/token"

static bool parse_account(const char *type, const char *url, const char *more, struct account *out)
{
	char file[2048], text[ACCOUNT_WHY_MAX];
	snprintf(file, sizeof(file),
		 "{\"type\":\"%s\",\"client_email\":\"r@p.iam.gserviceaccount.com\",\"private_key_id\":\"k1\","
		 "\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----\\n\"%s%s%s}",
		 type, url ? ",\"token_uri\":\"" : "", url ? url : "", more);
	bool good = account_parse(span_of(file), GOOGLE, out, text);
	snprintf(why, sizeof(why), "%.150s", text);
	return good;
}

START_TEST(the_file_of_a_service_account_is_read)
{
	struct account a;
	ck_assert_msg(parse_account("service_account", GOOGLE, "\"", &a), "%s", why);
	ck_assert_str_eq(a.email, "r@p.iam.gserviceaccount.com");
	ck_assert_str_eq(a.key_id, "k1");
	ck_assert_str_eq(a.key, "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n");
	ck_assert(parse_account("service_account", NULL, "", &a));
}
END_TEST

START_TEST(a_file_that_leads_elsewhere_is_refused)
{
	struct account a;
	ck_assert(!parse_account("service_account", "https://evil.example/token", "\"", &a));
	ck_assert_ptr_nonnull(strstr(why, "token_uri"));
	ck_assert_ptr_null(strstr(why, "evil"));
	ck_assert(!parse_account("authorized_user", GOOGLE, "\"", &a));
	ck_assert_ptr_nonnull(strstr(why, "not the key of a service account"));
	ck_assert(!parse_account("service_account", GOOGLE, "\",\"type\":\"x\"", &a));
	ck_assert_ptr_nonnull(strstr(why, "twice"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web_jwt");
	TCase *tcase = tcase_create("tokens");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, an_issuer_can_verify_the_signature, 0, 2);
	tcase_add_test(tcase, the_digest_is_that_of_the_certificate);
	tcase_add_test(tcase, keys_that_issuers_do_not_take_are_refused);
	tcase_add_test(tcase, a_certificate_of_another_key_is_refused);
	tcase_add_test(tcase, names_of_requests_differ);
	tcase_add_test(tcase, claims_are_shown_and_nothing_else);
	tcase_add_test(tcase, the_file_of_a_service_account_is_read);
	tcase_add_test(tcase, a_file_that_leads_elsewhere_is_refused);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
