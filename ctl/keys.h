/* The stored forms of a password (common/accounts/accounts.h). Passwords are prepared (newpassword.h). */
#ifndef CTL_KEYS_H
#define CTL_KEYS_H

#include "common/accounts/accounts.h"

/*
 * Rounds of SCRAM: RFC 7677 requires 4,096 at least. The client computes them at each log-in, and a hundred thousand
 * would take a copier seconds. An attacker with the file attacks these keys and not yescrypt, so they are safe only
 * while the file is closed or the password is strong.
 */
enum { KEYS_SALT = 16, KEYS_ITERATIONS = 10000 };

/* Makes yescrypt at libcrypt's default cost, with a new salt. False: libcrypt failed. */
bool keys_yescrypt(const char *password, char to[ACCOUNT_HASH_MAX + 1]);

/* Makes the keys of SCRAM-SHA-256 (RFC 5802 3) in account->stored_key and server_key, from its salt and iterations. */
bool keys_scram(const char *password, struct account *account);

/* Makes the MD5 states after the inner and the outer key block of HMAC-MD5, as MD5 writes words. */
bool keys_cram(const char *password, unsigned char to[ACCOUNT_KEY_OCTETS]);

/* Makes all keys in *ACCOUNT, and clears its other members. HASH is the buffer for its yescrypt. */
bool keys_make(const char *password, char hash[ACCOUNT_HASH_MAX + 1], struct account *account);

#endif
