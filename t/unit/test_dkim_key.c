#include "common/dkim/key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/base64.h"
#include "t/unit/dkim_vectors.h"
#include "t/unit/suite.h"

static char why[DKIM_KEY_WHY_MAX];

static struct dkim_key *parse(const char *pem)
{
	struct dkim_key *key = dkim_key_parse(span_of(pem), why);
	ck_assert_msg(key != NULL, "%s", why);
	return key;
}

/* Why PEM is refused. */
static const char *refused(const char *pem)
{
	ck_assert_ptr_null(dkim_key_parse(span_of(pem), why));
	return why;
}

/* Takes PKEY over; encrypted with PASSPHRASE unless that is NULL. */
static const char *pem_of(EVP_PKEY *pkey, const char *passphrase)
{
	static char text[16384];
	BIO *bio = BIO_new(BIO_s_mem());
	ck_assert(pkey && PEM_write_bio_PKCS8PrivateKey(bio, pkey, passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
							passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1);
	int n = BIO_read(bio, text, sizeof(text) - 1);
	text[n] = '\0';
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return text;
}

static void check_public(const char *pem, const char *expected)
{
	struct dkim_key *key = parse(pem);
	struct str p;
	str_init(&p, 4096);
	ck_assert(dkim_key_public(key, &p));
	ck_assert_str_eq(str_text(&p), expected);
	str_free(&p);
	dkim_key_free(key);
}

START_TEST(test_public)
{
	check_public(VECTOR_6376_KEY, VECTOR_6376_P);
	check_public(VECTOR_ED25519_KEY, VECTOR_ED25519_P);
}
END_TEST

START_TEST(test_facts)
{
	struct dkim_key *rsa = parse(VECTOR_RSA_KEY), *ed25519 = parse("a text in front\n" VECTOR_ED25519_KEY);
	ck_assert_int_eq(dkim_key_algorithm(rsa), DKIM_RSA_SHA256);
	ck_assert_uint_eq(dkim_key_bits(rsa), 1024);
	ck_assert_ptr_nonnull(strstr(dkim_key_warning(rsa), "less than 2048 bits"));
	ck_assert_int_eq(dkim_key_algorithm(ed25519), DKIM_ED25519_SHA256);
	ck_assert_uint_eq(dkim_key_bits(ed25519), 256);
	ck_assert_ptr_null(dkim_key_warning(ed25519));
	dkim_key_free(rsa);
	dkim_key_free(ed25519);
	dkim_key_free(NULL);
}
END_TEST

/* Appends an ASN.1 INTEGER of LEN octets, below 64 KiB: 0x7f... or, with a leading zero, 0xff... */
static void append_integer(struct str *der, size_t len, unsigned char octet)
{
	str_append(der, (struct span){(const char[]){2, (char)0x82, (char)(len >> 8), (char)len}, 4});
	for (size_t i = 0; i < len; i++)
		str_append_c(der, (char)(i == 0 && octet & 0x80 ? 0 : octet));
}

/* An RSA key of BITS, a multiple of 8, whose numbers are nonsense: enough to be read. */
static const char *hollow_rsa(unsigned bits)
{
	static struct str pem;
	struct str numbers, der;
	str_init(&numbers, 16384);
	str_init(&der, 16384);
	str_free(&pem);
	str_init(&pem, 16384);
	append_integer(&numbers, 1, 0);
	append_integer(&numbers, bits / 8 + 1, 0xff);
	for (int i = 0; i < 7; i++)
		append_integer(&numbers, 3, 0x11);
	str_append(&der,
		   (struct span){(const char[]){0x30, (char)0x82, (char)(numbers.len >> 8), (char)numbers.len}, 4});
	str_append(&der, str_span(&numbers));
	str_clear(&numbers);
	base64_append(&numbers, der.at, der.len);
	str_append_text(&pem, "-----BEGIN RSA PRIVATE KEY-----\n");
	for (struct span rest = str_span(&numbers); rest.len; rest = span_skip(rest, 64))
		str_printf(&pem, "%.*s\n", (int)(rest.len < 64 ? rest.len : 64), rest.at);
	str_append_text(&pem, "-----END RSA PRIVATE KEY-----\n");
	str_free(&numbers);
	str_free(&der);
	return str_text(&pem);
}

START_TEST(test_lengths)
{
	ck_assert_ptr_nonnull(strstr(refused(pem_of(EVP_RSA_gen(512), NULL)), "an RSA key of 512 bits"));
	ck_assert_ptr_nonnull(strstr(refused(hollow_rsa(1016)), "1016 bits, and receivers ignore"));
	ck_assert_ptr_nonnull(strstr(refused(hollow_rsa(8200)), "8200 bits, more than 8192"));
	struct dkim_key *key = parse(hollow_rsa(8192));
	ck_assert_uint_eq(dkim_key_bits(key), 8192);
	ck_assert_ptr_null(dkim_key_warning(key));
	dkim_key_free(key);
}
END_TEST

START_TEST(test_kinds)
{
	ck_assert_ptr_nonnull(strstr(refused(pem_of(EVP_EC_gen("P-256"), NULL)), "a key of kind EC"));
	ck_assert_ptr_nonnull(strstr(refused(pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), NULL)), "kind ED448"));
	ck_assert_ptr_nonnull(strstr(refused(pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), NULL)), "kind X25519"));
	ck_assert_ptr_nonnull(strstr(why, "mailrootctl dkim keygen"));
}
END_TEST

START_TEST(test_unreadable)
{
	ck_assert_ptr_nonnull(strstr(refused(""), "it is empty"));
	ck_assert_ptr_nonnull(strstr(refused("no key\n"), "no readable private key in PEM"));
	ck_assert_ptr_nonnull(strstr(refused("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"),
				     "no readable private key in PEM"));
	ck_assert_ptr_nonnull(strstr(
		refused("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
			"-----END PUBLIC KEY-----\n"),
		"it holds the public key"));
	ck_assert_ptr_nonnull(strstr(refused(pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "secret")),
				     "encrypted with a passphrase"));
}
END_TEST

/* Whether SIGNATURE is that of HASH, by the public half of PEM. */
static bool verifies(const char *pem, const uint8_t *hash, const uint8_t *signature, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	bool rsa = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA, good;
	if (rsa) {
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
		good = EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		       EVP_PKEY_verify(ctx, signature, len, hash, DKIM_HASH) == 1;
		EVP_PKEY_CTX_free(ctx);
	} else {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		good = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		       EVP_DigestVerify(ctx, signature, len, hash, DKIM_HASH) == 1;
		EVP_MD_CTX_free(ctx);
	}
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return good;
}

static void check_made(enum dkim_algorithm algorithm, unsigned bits, size_t octets)
{
	uint8_t hash[DKIM_HASH] = {1, 2, 3}, signature[DKIM_SIGNATURE_MAX];
	size_t len;
	struct str pem;
	struct dkim_key *key = dkim_key_make(algorithm, bits);
	ck_assert_ptr_nonnull(key);
	ck_assert_uint_eq(dkim_key_bits(key), bits);
	str_init(&pem, 8192);
	ck_assert(dkim_key_pem(key, &pem));
	ck_assert(dkim_key_sign(key, hash, signature, &len));
	ck_assert_uint_eq(len, octets);
	ck_assert(verifies(str_text(&pem), hash, signature, len));
	signature[7] ^= 1;
	ck_assert(!verifies(str_text(&pem), hash, signature, len));
	struct dkim_key *again = parse(str_text(&pem));
	ck_assert_int_eq(dkim_key_algorithm(again), algorithm);
	dkim_key_free(again);
	dkim_key_free(key);
	str_wipe(&pem);
}

START_TEST(test_make)
{
	check_made(DKIM_ED25519_SHA256, 256, 64);
	check_made(DKIM_RSA_SHA256, 2048, 256);
	check_made(DKIM_RSA_SHA256, 1024, 128);
}
END_TEST

/* Loads a file with TEXT and MODE, as a process whose keys belong to OWNER. */
static struct dkim_key *load(const char *text, mode_t mode, uid_t owner)
{
	char path[] = "/tmp/test_dkim_key.XXXXXX";
	int fd = mkstemp(path);
	ck_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
	struct dkim_key *key = dkim_key_load(path, owner, why);
	close(fd);
	unlink(path);
	return key;
}

START_TEST(test_load)
{
	struct dkim_key *key = load(VECTOR_ED25519_KEY, 0600, getuid());
	ck_assert_ptr_nonnull(key);
	dkim_key_free(key);
	ck_assert_ptr_null(load(VECTOR_ED25519_KEY, 0604, getuid()));
	ck_assert_str_eq(why, "every user can read or write it: chmod 600, then mailrootctl reload");
	ck_assert_ptr_null(load(VECTOR_ED25519_KEY, 0640, getuid()));
	ck_assert_ptr_nonnull(strstr(why, "chmod 600"));
	ck_assert_ptr_null(load("", 0600, getuid()));
	ck_assert_ptr_nonnull(strstr(why, "it is empty"));
	if (getuid()) {
		ck_assert_ptr_null(load(VECTOR_ED25519_KEY, 0600, getuid() + 1));
		ck_assert_ptr_nonnull(strstr(why, "belongs to the wrong user"));
	}
	ck_assert_ptr_null(dkim_key_load("/nonexistent/key.pem", 0, why));
	ck_assert_str_eq(why, "No such file or directory");
	ck_assert_ptr_null(dkim_key_load("/dev/null", 0, why));
	ck_assert_str_eq(why, "it is no regular file");
}
END_TEST

START_TEST(test_load_large)
{
	char *text = malloc(DKIM_KEY_FILE_MAX + 2);
	memset(text, '\n', DKIM_KEY_FILE_MAX + 1);
	text[DKIM_KEY_FILE_MAX + 1] = '\0';
	ck_assert_ptr_null(load(text, 0600, getuid()));
	ck_assert_str_eq(why, "it has more than 65536 octets: it is no key");
	free(text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_public,     test_facts, test_lengths, test_kinds,
				      test_unreadable, test_make,  test_load,    test_load_large};
	return run_tests("dkim_key", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
