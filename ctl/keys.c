/* OpenSSL 3 deprecates the MD5 functions, but only they give access to the state after a block. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ctl/keys.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"

_Static_assert((int)KEYS_ITERATIONS >= (int)ACCOUNT_ITERATIONS_MIN, "accounts are read again");

bool keys_yescrypt(const char *password, char to[ACCOUNT_HASH_MAX + 1])
{
	void *data = NULL;
	int size = 0;
	char *setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
	char *hash = setting ? crypt_ra(password, setting, &data, &size) : NULL;
	bool good = hash && hash[0] == '$' && span_copy(span_of(hash), to, ACCOUNT_HASH_MAX + 1);
	if (data)
		explicit_bzero(data, (size_t)size);
	free(data);
	free(setting);
	return good;
}

static bool hmac(const unsigned char *key, const char *text, unsigned char to[SHA256_DIGEST_LENGTH])
{
	return HMAC(EVP_sha256(), key, SHA256_DIGEST_LENGTH, (const unsigned char *)text, strlen(text), to, NULL);
}

bool keys_scram(const char *password, struct account *account)
{
	unsigned char salted[SHA256_DIGEST_LENGTH], client[SHA256_DIGEST_LENGTH];
	bool good = PKCS5_PBKDF2_HMAC(password, (int)strlen(password), account->salt, (int)account->salt_len,
				      (int)account->iterations, EVP_sha256(), sizeof(salted), salted) == 1 &&
		    hmac(salted, "Client Key", client) && SHA256(client, sizeof(client), account->stored_key) &&
		    hmac(salted, "Server Key", account->server_key);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	return good;
}

static void put_state(const MD5_CTX *md5, unsigned char *to)
{
	const MD5_LONG words[] = {md5->A, md5->B, md5->C, md5->D};
	for (size_t i = 0; i < MD5_DIGEST_LENGTH; i++)
		to[i] = (unsigned char)(words[i / 4] >> (8 * (i % 4)));
}

/* KEY has MD5_CBLOCK octets. */
static bool state_behind(const unsigned char *key, unsigned char pad, unsigned char *to)
{
	unsigned char block[MD5_CBLOCK];
	MD5_CTX md5;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	bool good = MD5_Init(&md5) && MD5_Update(&md5, block, sizeof(block));
	put_state(&md5, to);
	explicit_bzero(block, sizeof(block));
	explicit_bzero(&md5, sizeof(md5));
	return good;
}

bool keys_cram(const char *password, unsigned char to[ACCOUNT_KEY_OCTETS])
{
	unsigned char key[MD5_CBLOCK] = {0};
	size_t len = strlen(password);
	bool good = true;
	if (len > sizeof(key))
		good = MD5((const unsigned char *)password, len, key);
	else
		memcpy(key, password, len);
	good = good && state_behind(key, 0x36, to) && state_behind(key, 0x5c, to + MD5_DIGEST_LENGTH);
	explicit_bzero(key, sizeof(key));
	return good;
}

bool keys_make(const char *password, char hash[ACCOUNT_HASH_MAX + 1], struct account *account)
{
	*account = (struct account){
		.yescrypt = hash,
		.iterations = KEYS_ITERATIONS,
		.salt_len = KEYS_SALT,
		.has_cram = true,
	};
	fd_random(account->salt, KEYS_SALT);
	return keys_yescrypt(password, hash) && keys_scram(password, account) && keys_cram(password, account->cram);
}
