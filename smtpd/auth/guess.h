/*
 * Slows down password guessing. Workers count failures in shared memory of a fixed size, by client address (IPv6: by
 * /64), by account name, and by the pair of both once it has authenticated ("proven"):
 *
 *	failure of                  counts for                and leads to
 *	a proven pair               the pair alone            a wait after each failure, then refusal, of this pair
 *	any other                   address and account       a wait after each failure, then refusal, of the address;
 *	                                                      for others than proven pairs: a wait before each try
 *
 * So a forgotten device with an old password does not lock out its office. An attacker who guesses an account's
 * password does not lock out clients that have used the account from their address. One password tried for many
 * accounts blocks the address.
 *
 * Counts leak. Accounts that do not exist count like others, so timing reveals nothing. When all slots for a count are
 * taken, the oldest is replaced. Keys are hashes with a secret, so no client can choose its slot. A worker that was
 * taken over may overwrite the memory: then counts are wrong, and nothing else.
 */
#ifndef SMTPD_AUTH_GUESS_H
#define SMTPD_AUTH_GUESS_H

#include "common/base/span.h"
#include "common/mail/cidr.h"

enum {
	GUESS_FREE = 2,           /* failures that cause no wait */
	GUESS_WAIT_MS = 250,      /* after the next failure; doubled by each further one */
	GUESS_WAIT_MAX_MS = 4000, /* the longest wait */
	GUESS_REFUSED = 20,       /* failures of an address, or a proven pair, from which on no password is checked */
	GUESS_ACCOUNT = 20,       /* failures of an account from which on tries of pairs that are not proven wait */
	GUESS_ACCOUNT_WAIT_MS = 2000, /* the length of that wait */
	GUESS_LEAK_MS = 30 * 1000,    /* one failure is forgotten in each such time */
	GUESS_MOST = 100,             /* the highest count: forgotten within 50 minutes */
	GUESS_ASK_MOST = 250          /* the highest limit of guess_ask */
};

/* Counts as they are now. */
struct guess_counts {
	bool proven;
	unsigned address, account, pair;
};

struct guess_verdict {
	bool refused;
	int64_t before_ms; /* wait before the password is checked */
	int64_t after_ms;  /* wait before a failure is reported */
};

/* Pure. */
void guess_decide(const struct guess_counts *counts, struct guess_verdict *out);

struct guess;

struct guess *guess_new(void);    /* NULL with errno */
void guess_free(struct guess *g); /* NULL is fine */

/* The keys under which a try is counted. NAME is the account's; its case does not matter. */
struct guess_who {
	uint64_t address, account, pair;
	uint64_t person; /* the name without its domain: that of the account in a directory */
};
void guess_name(const struct guess *g, const struct ipaddr *client, struct span name, struct guess_who *out);

void guess_look(const struct guess *g, const struct guess_who *who, int64_t mono_ms, struct guess_counts *out);

/* Counts a failure. True when its address, or the proven pair, is refused from this failure on. */
bool guess_failed(struct guess *g, const struct guess_who *who, int64_t mono_ms);

/*
 * Whether a directory may be asked for a password, which locks an account after a number of wrong ones. It is asked at
 * most LIMIT times (up to GUESS_ASK_MOST; 0 = as often as wanted) for a person from all clients that are not proven
 * pairs, and as often from each pair. The count is forgotten after WINDOW_MS without such a question, or by a right
 * password (guess_ask_passed): directories count in the same way. A question counts before it is asked, so those that
 * run side by side are no more.
 *
 * False: do not ask. This also happens when the memory is full of names within their time. *KEY is for guess_unask.
 */
bool guess_ask(struct guess *g, const struct guess_who *who, unsigned limit, int64_t window_ms, int64_t mono_ms,
	       uint64_t *key);

/* The directory has not checked the password of that question after all. Not for a question whose fate is unknown. */
void guess_unask(struct guess *g, uint64_t key);

/*
 * The directory has found a password of this person right, or does not have the person: the questions are forgotten.
 * Not after a success of which the directory has not heard, such as one from the cache: it goes on counting.
 */
void guess_ask_passed(struct guess *g, const struct guess_who *who);

/* Counts a success: the pair is proven, and its failures are forgotten. */
void guess_passed(struct guess *g, const struct guess_who *who, int64_t mono_ms);

#endif
