/* Checks a password against the yescrypt hash of an account, which takes some 10 to 30 ms and 16 MB. */
#ifndef SMTPD_AUTH_PASSCHECK_H
#define SMTPD_AUTH_PASSCHECK_H

#include "common/accounts/accounts.h"

enum { PASSCHECK_MAX = 511 }; /* octets of a prepared password: libcrypt's limit */

/*
 * Prepares TEXT for comparison and storage (RFC 4013), at TO of PASSCHECK_MAX + 1 octets. False: it is empty, too long,
 * or can't be a password.
 */
bool passcheck_prepare(struct span text, char *to);

/* PREPARED ends in NUL. Always computes the hash; the comparison takes constant time. */
bool passcheck_matches(const char *prepared, const char *yescrypt);

/* The number of processors that this process may use, at least 1. Call before the jail. */
size_t passcheck_processors(void);

#endif
