/* Is this the password of an account? By its yescrypt hash, which takes some 10 to 30 ms and 16 MB. */
#ifndef SMTPD_AUTH_PASSCHECK_H
#define SMTPD_AUTH_PASSCHECK_H

#include "common/accounts/accounts.h"

enum { PASSCHECK_MAX = 511 }; /* octets, prepared: what libcrypt takes */

/*
 * TEXT as it is compared and stored (RFC 4013), at TO of PASSCHECK_MAX + 1 octets. False: it is empty, too long, or
 * can't be anybody's password.
 */
bool passcheck_prepare(struct span text, char *to);

/* PREPARED ends in NUL. Computes in any case; compares without telling by time. */
bool passcheck_matches(const char *prepared, const char *yescrypt);

/* Processors that this process may use, at least 1: so many computations make sense at once. Before the jail. */
size_t passcheck_processors(void);

#endif
