/* What is stored of a password instead of it (common/accounts/accounts.h). Passwords are prepared (newpassword.h). */
#ifndef CTL_KEYS_H
#define CTL_KEYS_H

#include "common/accounts/accounts.h"

/*
 * Rounds of SCRAM: RFC 7677 asks for 4,096 at least, and it is the client who computes them at each log-in: a hundred
 * thousand would cost a copier seconds. Who has the file begins with these keys and not with yescrypt, so they hold as
 * long as the file is closed or the password is good.
 */
enum { KEYS_SALT = 16, KEYS_ITERATIONS = 10000 };

/* yescrypt at libcrypt's default cost, with a fresh salt. False: libcrypt can't. */
bool keys_yescrypt(const char *password, char to[ACCOUNT_HASH_MAX + 1]);

/* The keys of SCRAM-SHA-256 (RFC 5802 3) into account->stored_key and server_key, from its salt and iterations. */
bool keys_scram(const char *password, struct account *account);

/* The state of MD5 behind the block of key of HMAC-MD5's inner hash, then of its outer one, as MD5 writes words. */
bool keys_cram(const char *password, unsigned char to[ACCOUNT_KEY_OCTETS]);

/* All of them into *ACCOUNT, which has no other member set then; HASH is where its yescrypt lies. */
bool keys_make(const char *password, char hash[ACCOUNT_HASH_MAX + 1], struct account *account);

#endif
