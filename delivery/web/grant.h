/*
 * When to ask the issuer of an access token, as a machine without I/O. One for each block with a token:
 *
 *	NONE --fetch--> ASKING --token--> VALID --half of its life--> RENEWING --token--> VALID
 *	ASKING, RENEWING --failure--> WAIT, by its class; a token that is there stays valid until its end
 *	LOGIN_NEEDED --mailrootctl oauth login--> POLLING --token--> VALID
 *
 * The pace after failures:
 *
 *	passing   no connection, 5xx, 429, no JSON             1, 2, 4 ... 300 s
 *	ours      what an administrator must mend              60 s, then every 15 minutes
 *	person    somebody must sign in again                  every 60 minutes
 *
 * What the issuer says in Retry-After goes first, within 1 s and 1 h. Pure: times and random numbers are arguments.
 */
#ifndef DELIVERY_WEB_GRANT_H
#define DELIVERY_WEB_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#define GRANT_NEVER INT64_MAX

enum {
	GRANT_JITTER_MAX = 1000, /* a random number is less */
	GRANT_FIRST_MS = 1000,
	GRANT_PASSING_MAX_MS = 300 * 1000,
	GRANT_OURS_FIRST_MS = 60 * 1000,
	GRANT_OURS_MS = 15 * 60 * 1000,
	GRANT_PERSON_MS = 60 * 60 * 1000,
	GRANT_RETRY_AFTER_MIN_MS = 1000,
	GRANT_RETRY_AFTER_MAX_MS = 60 * 60 * 1000,
	GRANT_REFUSED_FIRST_MS = 60 * 1000, /* after the last request, when a host refused the token */
	GRANT_REFUSED_MS = 5 * 60 * 1000,   /* and when a host refuses the next one, too */
	GRANT_MARGIN_MS = 5 * 60 * 1000,    /* a token is renewed so long before its end at the latest */
	GRANT_LEAST_MS = 60 * 1000          /* before its end a token is not used any more (TOKENS_LEAST_MS) */
};

/* mono: clock_mono_ms, for waits; wall: clock_wall_ms, for the end of a token. */
struct grant_clock {
	int64_t mono, wall;
};

enum grant_class { GRANT_PASSING, GRANT_OURS, GRANT_PERSON };

enum grant_state {
	GRANT_NONE,
	GRANT_ASKING,
	GRANT_VALID,
	GRANT_RENEWING,
	GRANT_WAIT,
	GRANT_LOGIN_NEEDED,
	GRANT_POLLING
};

/* What to ask for now. */
enum grant_request { GRANT_ASK_NOTHING, GRANT_ASK_TOKEN, GRANT_ASK_CODE, GRANT_ASK_POLL };

struct grant {
	bool signed_in;               /* false: there is no refresh token, and a person must sign in */
	enum grant_request under_way; /* its answer is awaited */
	int64_t until_wall;           /* the token ends then; 0 = there is none */
	int64_t next_mono;            /* the next request for a token */
	int64_t asked_mono;           /* the last one; GRANT_NEVER = none yet */
	enum grant_class failed_class;
	unsigned failures; /* of that class, one after the other */
	unsigned refusals; /* tokens that hosts refused, one after the other */
	bool fetch_for_refusal;
	/* A person's sign-in. */
	bool polling;
	int64_t poll_mono, poll_end_mono, poll_every_ms;
};

/* SIGNED_IN: false = a person must sign in first. UNTIL_WALL: the end of a token that is there from before; 0 = none.
 */
void grant_begin(struct grant *g, bool signed_in, int64_t until_wall, struct grant_clock now, unsigned jitter);

/* There is a token, or LIFE_MS ago there was one: it can be used at NOW. */
bool grant_usable(const struct grant *g, struct grant_clock now);

enum grant_state grant_state(const struct grant *g, struct grant_clock now);

/* What is due at NOW; nothing while an answer is awaited. grant_asked says that it was asked. */
enum grant_request grant_due(const struct grant *g, struct grant_clock now);
void grant_asked(struct grant *g, enum grant_request what, struct grant_clock now);

/* Milliseconds until something is due; GRANT_NEVER. */
int64_t grant_until_due(const struct grant *g, struct grant_clock now);

/* A token came that lives LIFE_MS from now on. */
void grant_got(struct grant *g, int64_t life_ms, struct grant_clock now, unsigned jitter);

/* The request failed. RETRY_AFTER_MS: what the issuer asks for; 0 = nothing. */
void grant_failed(struct grant *g, enum grant_class class, int64_t retry_after_ms, struct grant_clock now,
		  unsigned jitter);

/* A host refused the token that is there now. */
void grant_refused(struct grant *g, struct grant_clock now);

/* Ask at once: an administrator wants it, or there is another refresh token. */
void grant_hurry(struct grant *g, struct grant_clock now);

/* A person begins to sign in; a code came; the person is not ready yet (SLOW: RFC 8628 3.5); it ended without token. */
void grant_sign_in(struct grant *g, struct grant_clock now);
void grant_code(struct grant *g, int64_t life_ms, int64_t interval_ms, struct grant_clock now);
void grant_pending(struct grant *g, bool slow, struct grant_clock now);
void grant_sign_in_failed(struct grant *g);

/* No token and no refresh token from now on. */
void grant_forget(struct grant *g);

#endif
