/*
 * Private keys of DKIM: RSA, or Ed25519 (RFC 8463), by OpenSSL. A message for an administrator is a phrase with "it",
 * the file, that says the fault and the remedy, and reveals nothing of the key.
 */
#ifndef COMMON_DKIM_KEY_H
#define COMMON_DKIM_KEY_H

#include <sys/types.h>

#include "common/dkim/signature.h"

enum {
	DKIM_RSA_BITS_MIN = 1024,  /* verifiers ignore the signature of a shorter key (RFC 8301 3.2) */
	DKIM_RSA_BITS_GOOD = 2048, /* many want that much */
	DKIM_RSA_BITS_MAX = 8192,  /* a longer one takes long, and no verifier needs to take it (RFC 8301 3.2: 4096) */
	DKIM_KEY_FILE_MAX = 64 * 1024, /* octets */
	DKIM_KEY_WHY_MAX = 400
};

struct dkim_key;

/* Reads the key in PEM, which is not encrypted. NULL with WHY. The caller wipes PEM. Free with dkim_key_free. */
struct dkim_key *dkim_key_parse(struct span pem, char why[DKIM_KEY_WHY_MAX]);

/* The same from the file FD, from its beginning. */
struct dkim_key *dkim_key_read(int fd, char why[DKIM_KEY_WHY_MAX]);

/*
 * The same from the file PATH, which must belong to root or OWNER and be closed to all others. NULL with WHY, also when
 * the file can't be read.
 */
struct dkim_key *dkim_key_load(const char *path, uid_t owner, char why[DKIM_KEY_WHY_MAX]);

/* Makes a key; BITS are for RSA, between DKIM_RSA_BITS_MIN and _MAX. NULL: OpenSSL failed. */
struct dkim_key *dkim_key_make(enum dkim_algorithm algorithm, unsigned bits);

/* Wipes and frees; NULL is permitted. */
void dkim_key_free(struct dkim_key *key);

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key);

/* 256 for Ed25519. */
unsigned dkim_key_bits(const struct dkim_key *key);

/* What an administrator should know of a key that can be used, as a phrase with "it"; NULL: nothing. */
const char *dkim_key_warning(const struct dkim_key *key);

/* Appends the private key in PEM (PKCS #8). The caller wipes TO (str_wipe). False: no memory. */
bool dkim_key_pem(const struct dkim_key *key, struct str *to);

/*
 * Appends the public key as p= of the TXT record has it: base64 of the SubjectPublicKeyInfo of RSA, or of the 32 octets
 * of Ed25519 (RFC 8463 4.2). False: no memory.
 */
bool dkim_key_public(const struct dkim_key *key, struct str *to);

/*
 * Signs HASH, as dkim_sign_hash gives it. SIGNATURE has DKIM_SIGNATURE_MAX octets; *len is how many are used. False:
 * OpenSSL failed.
 */
bool dkim_key_sign(const struct dkim_key *key, const uint8_t hash[DKIM_HASH], uint8_t *signature, size_t *len);

#endif
