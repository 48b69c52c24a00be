#include "common/dkim/key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/accounts/secret.h"
#include "common/base/base64.h"
#include "common/base/fd.h"
#include "common/base/language.h"

enum { ED25519_OCTETS = 32 };

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
};

/* Takes PKEY over. */
static struct dkim_key *new_key(EVP_PKEY *pkey)
{
	struct dkim_key *key = pkey ? calloc(1, sizeof(*key)) : NULL;
	if (!key) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	key->pkey = pkey;
	key->algorithm = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519 ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256;
	return key;
}

/* OpenSSL's callback for the passphrase of a key: there is none. */
static int no_passphrase(char *to, int size, int writing, void *asked)
{
	(void)to;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static void say_unreadable(struct span pem, bool asked, char why[DKIM_KEY_WHY_MAX])
{
	const char *what = N_(
		"it holds no readable private key in PEM (-----BEGIN PRIVATE KEY-----): mailrootctl dkim keygen makes one");
	if (!pem.len)
		what = N_("it is empty: mailrootctl dkim keygen makes a key");
	else if (asked)
		what = N_(
			"it is encrypted with a passphrase, which a service can't type: openssl pkey -in FILE -out NEWFILE removes it");
	else if (memmem(pem.at, pem.len, "-----BEGIN PUBLIC KEY", 21))
		what = N_("it holds the public key, and the private key is needed");
	snprintf(why, DKIM_KEY_WHY_MAX, "%s", what);
}

/* Whether a key of this kind and length signs mail. */
static bool judge(EVP_PKEY *pkey, char why[DKIM_KEY_WHY_MAX])
{
	int id = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);
	const char *kind = EVP_PKEY_get0_type_name(pkey);
	if (id == EVP_PKEY_ED25519)
		return true;
	if (id != EVP_PKEY_RSA)
		snprintf(
			why, DKIM_KEY_WHY_MAX,
			N_("it is a key of kind %.40s, and DKIM has RSA and Ed25519 only: mailrootctl dkim keygen makes one"),
			kind ? kind : "unknown");
	else if (bits < DKIM_RSA_BITS_MIN)
		snprintf(
			why, DKIM_KEY_WHY_MAX,
			N_("it is an RSA key of %d bits, and receivers ignore less than %d: mailrootctl dkim keygen makes one of %d"),
			bits, DKIM_RSA_BITS_MIN, DKIM_RSA_BITS_GOOD);
	else if (bits > DKIM_RSA_BITS_MAX)
		snprintf(why, DKIM_KEY_WHY_MAX,
			 N_("it is an RSA key of %d bits, more than %d: mailrootctl dkim keygen makes one of %d"), bits,
			 DKIM_RSA_BITS_MAX, DKIM_RSA_BITS_GOOD);
	else
		return true;
	return false;
}

struct dkim_key *dkim_key_parse(struct span pem, char why[DKIM_KEY_WHY_MAX])
{
	bool asked = false;
	BIO *bio = pem.len ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
	struct dkim_key *key = NULL;
	if (!pkey)
		say_unreadable(pem, asked, why);
	else if (!judge(pkey, why))
		EVP_PKEY_free(pkey);
	else if (!(key = new_key(pkey)))
		snprintf(why, DKIM_KEY_WHY_MAX, "%s", strerror(ENOMEM));
	ERR_clear_error();
	BIO_free(bio);
	return key;
}

struct dkim_key *dkim_key_read(int fd, char why[DKIM_KEY_WHY_MAX])
{
	struct dkim_key *key = NULL;
	char *text = malloc(DKIM_KEY_FILE_MAX + 1);
	ssize_t n = text ? pread(fd, text, DKIM_KEY_FILE_MAX + 1, 0) : -1;
	if (n < 0)
		snprintf(why, DKIM_KEY_WHY_MAX, "%s", strerror(errno));
	else if (n > DKIM_KEY_FILE_MAX)
		snprintf(why, DKIM_KEY_WHY_MAX, N_("it has more than %d octets: it is no key"), DKIM_KEY_FILE_MAX);
	else
		key = dkim_key_parse((struct span){text, (size_t)n}, why);
	if (text)
		explicit_bzero(text, DKIM_KEY_FILE_MAX + 1);
	free(text);
	return key;
}

struct dkim_key *dkim_key_load(const char *path, uid_t owner, char why[DKIM_KEY_WHY_MAX])
{
	struct stat file;
	int fd = secret_open(path, owner, &file, why);
	struct dkim_key *key = fd >= 0 ? dkim_key_read(fd, why) : NULL;
	fd_close(&fd);
	return key;
}

struct dkim_key *dkim_key_make(enum dkim_algorithm algorithm, unsigned bits)
{
	EVP_PKEY *pkey = algorithm == DKIM_ED25519_SHA256 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
							  : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	ERR_clear_error();
	return new_key(pkey);
}

void dkim_key_free(struct dkim_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key)
{
	return key->algorithm;
}

unsigned dkim_key_bits(const struct dkim_key *key)
{
	return key->algorithm == DKIM_ED25519_SHA256 ? 256 : (unsigned)EVP_PKEY_get_bits(key->pkey);
}

const char *dkim_key_warning(const struct dkim_key *key)
{
	bool is_short = key->algorithm == DKIM_RSA_SHA256 && dkim_key_bits(key) < DKIM_RSA_BITS_GOOD;
	return is_short
		       ? N_("it is an RSA key of less than 2048 bits, which some receivers ignore: mailrootctl dkim rotate makes a new one")
		       : NULL;
}

bool dkim_key_pem(const struct dkim_key *key, struct str *to)
{
	char *text;
	BIO *bio = BIO_new(BIO_s_secmem());
	bool done = bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1;
	long len = done ? BIO_get_mem_data(bio, &text) : 0;
	done = done && str_reserve(to, (size_t)len) && str_append(to, (struct span){text, (size_t)len});
	ERR_clear_error();
	BIO_free(bio);
	return done;
}

bool dkim_key_public(const struct dkim_key *key, struct str *to)
{
	uint8_t raw[ED25519_OCTETS], *der = NULL;
	size_t raw_len = sizeof(raw);
	if (key->algorithm == DKIM_ED25519_SHA256)
		return EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) == 1 && base64_append(to, raw, raw_len);
	int len = i2d_PUBKEY(key->pkey, &der);
	bool done = len > 0 && base64_append(to, der, (size_t)len);
	OPENSSL_free(der);
	ERR_clear_error();
	return done;
}

/* PureEdDSA of the hash (RFC 8463 3). */
static bool sign_ed25519(const struct dkim_key *key, const uint8_t hash[DKIM_HASH], uint8_t *signature, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
		    EVP_DigestSign(ctx, signature, len, hash, DKIM_HASH) == 1;
	EVP_MD_CTX_free(ctx);
	return done;
}

/* RSASSA-PKCS1-v1_5 (RFC 6376 3.3.2). */
static bool sign_rsa(const struct dkim_key *key, const uint8_t hash[DKIM_HASH], uint8_t *signature, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
	bool done = ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_sign(ctx, signature, len, hash, DKIM_HASH) == 1;
	EVP_PKEY_CTX_free(ctx);
	return done;
}

bool dkim_key_sign(const struct dkim_key *key, const uint8_t hash[DKIM_HASH], uint8_t *signature, size_t *len)
{
	*len = DKIM_SIGNATURE_MAX;
	bool done = key->algorithm == DKIM_ED25519_SHA256 ? sign_ed25519(key, hash, signature, len)
							  : sign_rsa(key, hash, signature, len);
	ERR_clear_error();
	return done;
}
