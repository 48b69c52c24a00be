/*
 * Slows those who guess passwords, and nobody else. Workers count failures in shared memory of a fixed size, by client
 * address (IPv6: by /64), by account name, and by the pair of both once it has authenticated ("proven"):
 *
 *	who fails                   counts for                what grows with it
 *	a pair that is proven       the pair alone            wait after each failure, then refusal, of this pair
 *	any other                   address and account       wait after each failure, then refusal, of the address
 *	                                                      for proven pairs: nothing
 *	                                                      for others: a wait before each try of the account
 *
 * So a forgotten device with an old password doesn't shut its office out, a stranger who guesses for an account shuts
 * out nobody who has used it from where he is, and a password that is sprayed over accounts ends with the address.
 * Counts leak. Accounts that don't exist count like others, so times tell nothing. When all places that may hold a
 * count are taken the oldest goes. Keys are hashes with a secret, so no client chooses its place. A worker that was
 * taken over may scribble on all of it: counts are wrong then, no more.
 */
#ifndef SMTPD_AUTH_GUESS_H
#define SMTPD_AUTH_GUESS_H

#include "common/base/span.h"
#include "common/mail/cidr.h"

enum {
	GUESS_FREE = 2,               /* failures that cost no wait */
	GUESS_WAIT_MS = 250,          /* after the next one; each further one doubles it */
	GUESS_WAIT_MAX_MS = 4000,     /* up to this */
	GUESS_REFUSED = 20,           /* failures of an address, or a proven pair: no password is looked at any more */
	GUESS_ACCOUNT = 20,           /* failures of an account: tries from elsewhere than proven addresses wait */
	GUESS_ACCOUNT_WAIT_MS = 2000, /* so long */
	GUESS_LEAK_MS = 30 * 1000,    /* one failure is forgotten in this time */
	GUESS_MOST = 100              /* counted at most: forgotten within 50 minutes */
};

/* Counts as they are now. */
struct guess_counts {
	bool proven;
	unsigned address, account, pair;
};

struct guess_verdict {
	bool refused;
	int64_t before_ms; /* wait before the password is looked at */
	int64_t after_ms;  /* wait before a failure is told */
};

/* Pure. */
void guess_decide(const struct guess_counts *counts, struct guess_verdict *out);

struct guess;

struct guess *guess_new(void);    /* NULL with errno */
void guess_free(struct guess *g); /* NULL is fine */

/* Whose tries are counted together: made once for a try, of the account's NAME (letters compare without case). */
struct guess_who {
	uint64_t address, account, pair;
};
void guess_name(const struct guess *g, const struct ipaddr *client, struct span name, struct guess_who *out);

void guess_look(const struct guess *g, const struct guess_who *who, int64_t mono_ms, struct guess_counts *out);

/* The try has failed. True when this was the failure from which on its address, or the proven pair, is refused. */
bool guess_failed(struct guess *g, const struct guess_who *who, int64_t mono_ms);

/* It has passed: the pair is proven, and what it failed before is forgotten. */
void guess_passed(struct guess *g, const struct guess_who *who, int64_t mono_ms);

#endif
