/*
 * A cache of passwords that were right a moment ago: a device that logs in for each message costs no yescrypt each
 * time. The cache, in memory that all workers of a parent share, holds tags: PBKDF2 of the password, salted with a
 * random secret, the account and the time of its last change. So the entry of a changed account no longer matches; that
 * of an account in a directory matches until its time is over. The
 * table gives an attacker no faster way to a password than the SCRAM keys of the account file beside it: both cost the
 * same number of rounds. A worker that was taken over could add tags and so let a client relay for some minutes, which
 * it can do without them.
 */
#ifndef SMTPD_AUTH_PASSCACHE_H
#define SMTPD_AUTH_PASSCACHE_H

#include "common/accounts/accounts.h"
#include "common/base/span.h"

enum {
	PASSCACHE_MS = 5 * 60 * 1000, /* since the password was last checked in full */
	PASSCACHE_TAG = 32
};

struct passcache;

struct passcache *passcache_new(void);    /* NULL with errno */
void passcache_free(struct passcache *r); /* NULL is fine */

/*
 * Computes the tag of PASSWORD for the account NAME, last changed at CHANGED_MS: takes a millisecond. False: no memory.
 */
bool passcache_tag(const struct passcache *r, struct span name, int64_t changed_ms, struct span password,
		   unsigned char tag[PASSCACHE_TAG]);

/* Whether the password was right a moment ago. USER: under which name the client was let in; NULL = it does not matter.
 */
bool passcache_find(const struct passcache *r, const unsigned char tag[PASSCACHE_TAG], int64_t mono_ms,
		    char user[ACCOUNT_NAME_MAX + 1]);

/* A USER that is too long is cut. */
void passcache_add(struct passcache *r, const unsigned char tag[PASSCACHE_TAG], int64_t mono_ms, const char *user);

#endif
