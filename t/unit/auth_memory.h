/*
 * Accounts in memory and a client for each mechanism, for tests and fuzzers of authentication. Hashes are the cheapest
 * of libcrypt.
 */
#ifndef T_UNIT_AUTH_MEMORY_H
#define T_UNIT_AUTH_MEMORY_H

#define OPENSSL_SUPPRESS_DEPRECATED

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/fd.h"
#include "smtpd/auth/sasl.h"

enum { AUTH_MEMORY_TEXT = 1 << 20, AUTH_MEMORY_ITERATIONS = 4096, AUTH_MEMORY_KEY = 32 };

struct auth_memory {
	struct str text; /* version of the account file */
	struct arena arena;
	struct accounts accounts;
	uint64_t generation;
	bool missing; /* there is no account file */
};

static inline const struct accounts *auth_memory_current(void *context, uint64_t *generation)
{
	const struct auth_memory *m = context;
	*generation = m->generation;
	return m->missing ? NULL : &m->accounts;
}

static inline struct auth_users auth_memory_users(struct auth_memory *m)
{
	memset(m, 0, sizeof(*m));
	str_init(&m->text, AUTH_MEMORY_TEXT);
	arena_init(&m->arena, AUTH_MEMORY_TEXT);
	m->generation = 1;
	return (struct auth_users){m, auth_memory_current};
}

static inline void auth_memory_free(struct auth_memory *m)
{
	str_free(&m->text);
	arena_free(&m->arena);
}

/* Publishes the text as the account file. What was read before remains valid. */
static inline void auth_memory_read(struct auth_memory *m)
{
	struct str trouble;
	str_init(&trouble, AUTH_MEMORY_TEXT);
	if (!accounts_parse(str_span(&m->text), &m->arena, &m->accounts, &trouble) || trouble.len) {
		fprintf(stderr, "%s\n", str_text(&trouble));
		abort();
	}
	str_free(&trouble);
	m->generation++;
}

static inline void auth_memory_hmac(const void *key, size_t key_len, const char *text, unsigned char *to)
{
	HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), to, NULL);
}

static inline void auth_memory_scram(const char *password, const unsigned char *salt, size_t salt_len,
				     unsigned char stored[AUTH_MEMORY_KEY], unsigned char server[AUTH_MEMORY_KEY])
{
	unsigned char salted[AUTH_MEMORY_KEY], client[AUTH_MEMORY_KEY];
	PKCS5_PBKDF2_HMAC(password, -1, salt, (int)salt_len, AUTH_MEMORY_ITERATIONS, EVP_sha256(), AUTH_MEMORY_KEY,
			  salted);
	auth_memory_hmac(salted, sizeof(salted), "Client Key", client);
	SHA256(client, sizeof(client), stored);
	auth_memory_hmac(salted, sizeof(salted), "Server Key", server);
}

static inline void auth_memory_md5_state(const char *password, unsigned char pad, unsigned char to[16])
{
	unsigned char block[MD5_CBLOCK] = {0};
	MD5_CTX md5;
	memcpy(block, password, strlen(password));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= pad;
	MD5_Init(&md5);
	MD5_Update(&md5, block, sizeof(block));
	const MD5_LONG words[4] = {md5.A, md5.B, md5.C, md5.D};
	for (size_t i = 0; i < 16; i++)
		to[i] = (unsigned char)(words[i / 4] >> 8 * (i % 4));
}

/* Adds NAME, with every kind of key. PASSWORD is at most 64 octets. */
static inline void auth_memory_add(struct auth_memory *m, const char *name, const char *password, int64_t changed_ms)
{
	struct account account = {.name = name, .iterations = AUTH_MEMORY_ITERATIONS, .salt_len = 16, .has_cram = true};
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	if (!data || !crypt_gensalt_rn("$y$", 1, NULL, 0, setting, sizeof(setting)))
		abort();
	account.yescrypt = crypt_r(password, setting, data);
	account.changed_ms = changed_ms;
	memcpy(account.salt, "0123456789abcdef", 16);
	auth_memory_scram(password, account.salt, account.salt_len, account.stored_key, account.server_key);
	auth_memory_md5_state(password, 0x36, account.cram);
	auth_memory_md5_state(password, 0x5c, account.cram + 16);
	account_format(&account, &m->text);
	free(data);
	auth_memory_read(m);
}

/* An account NAME with a password that no fuzzer input can contain. */
static inline void auth_memory_add_secret(struct auth_memory *m, const char *name)
{
	unsigned char random[16];
	char password[2 * sizeof(random) + 1];
	fd_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(password + 2 * i, 3, "%02x", random[i]);
	auth_memory_add(m, name, password, 1);
}

/* Clears earlier failures, so that no client is delayed. */
static inline void auth_memory_forget_failures(struct auth *auth)
{
	guess_free(auth->guess);
	auth->guess = guess_new();
	if (!auth->guess)
		abort();
}

/*
 * A SCRAM-SHA-256 client with PASSWORD. From its FIRST message without the GS2 header, the SERVER's first message and
 * the final message without proof, it computes its proof and the signature of the server. It shares no code with the
 * server.
 */
static inline void auth_memory_proof(const char *password, const char *first, const char *server, const char *final,
				     struct str *proof, struct str *signature)
{
	unsigned char salt[ACCOUNT_SALT_MAX], salted[AUTH_MEMORY_KEY], client[AUTH_MEMORY_KEY];
	unsigned char stored[AUTH_MEMORY_KEY], key[AUTH_MEMORY_KEY], signed_by[AUTH_MEMORY_KEY];
	char message[8192];
	const char *s = strstr(server, ",s=") + 3, *i = strstr(s, ",i=");
	size_t salt_len = 0;
	if (!base64_decode((struct span){s, (size_t)(i - s)}, salt, sizeof(salt), &salt_len))
		abort();
	PKCS5_PBKDF2_HMAC(password, -1, salt, (int)salt_len, atoi(i + 3), EVP_sha256(), AUTH_MEMORY_KEY, salted);
	snprintf(message, sizeof(message), "%s,%s,%s", first, server, final);
	auth_memory_hmac(salted, sizeof(salted), "Client Key", client);
	SHA256(client, sizeof(client), stored);
	auth_memory_hmac(stored, sizeof(stored), message, signed_by);
	for (size_t at = 0; at < sizeof(client); at++)
		client[at] ^= signed_by[at];
	base64_append(proof, client, sizeof(client));
	auth_memory_hmac(salted, sizeof(salted), "Server Key", key);
	auth_memory_hmac(key, sizeof(key), message, signed_by);
	base64_append(signature, signed_by, sizeof(signed_by));
}

#endif
