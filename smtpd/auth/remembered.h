/*
 * Passwords that were right a moment ago: a device that logs in for each message costs no yescrypt each time. What is
 * kept, in memory that all workers of a parent share, is a tag: PBKDF2 of the password with a random secret, the
 * account and the time of its last change as salt. So a changed account is forgotten by itself, and whoever could read
 * the table has no shorter way to a password than by the SCRAM keys of the account file, which lie beside it: both cost
 * the same number of rounds. A worker that was taken over could add tags, and so let somebody relay for some minutes,
 * which it can do itself.
 */
#ifndef SMTPD_AUTH_REMEMBERED_H
#define SMTPD_AUTH_REMEMBERED_H

#include "common/base/span.h"

enum {
	REMEMBERED_MS = 5 * 60 * 1000, /* from the last time that the password was really checked */
	REMEMBERED_TAG = 32
};

struct remembered;

struct remembered *remembered_new(void);    /* NULL with errno */
void remembered_free(struct remembered *r); /* NULL is fine */

/* The tag of PASSWORD for the account NAME, last changed at CHANGED_MS: a millisecond's work. False: no memory. */
bool remembered_tag(const struct remembered *r, struct span name, int64_t changed_ms, struct span password,
		    unsigned char tag[REMEMBERED_TAG]);

bool remembered_find(const struct remembered *r, const unsigned char tag[REMEMBERED_TAG], int64_t mono_ms);
void remembered_add(struct remembered *r, const unsigned char tag[REMEMBERED_TAG], int64_t mono_ms);

#endif
