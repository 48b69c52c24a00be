/* The interface between auth.c and the mechanisms (sasl_*.c). */
#ifndef SMTPD_AUTH_SASL_H
#define SMTPD_AUTH_SASL_H

#include <gsasl.h>

#include "common/ipc/passwords.h"
#include "smtpd/auth/auth.h"
#include "smtpd/auth/guess.h"
#include "smtpd/auth/passcache.h"

enum { SASL_SECRET = 32 };

struct auth {
	struct auth_users users;
	struct gss_server *gss;
	Gsasl *gsasl;
	struct guess *guess;
	struct passcache *passcache;
	int semaphore_fd;
	int passwords_link;                /* to mailroot-kerberos; -1 = none */
	size_t checks;                     /* passwords checked at once */
	size_t queue;                      /* workers that may queue for a check */
	size_t waits;                      /* workers that may wait at once as guess.h says */
	unsigned char secret[SASL_SECRET]; /* for the made-up salts of accounts that don't exist */
};

struct sasl_mechanism {
	bool no_initial;                        /* the server always speaks first */
	bool (*begin)(struct auth_exchange *x); /* NULL = nothing to do; false = no memory */
	/* The challenge when AUTH brings no initial response; NULL = an empty one. */
	void (*prompt)(struct auth_exchange *x, struct str *challenge);
	enum auth_result (*step)(struct auth_exchange *x, struct span response, struct str *challenge);
	void (*end)(struct auth_exchange *x); /* NULL = nothing to do */
};

/* The callback of libgsasl during SCRAM. */
int sasl_scram_callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property);

/* HMAC-MD5 of TEXT in hexadecimal, from the MD5 states after the inner and the outer key block. */
enum { SASL_CRAM_DIGEST = 33 };
void sasl_cram_digest(const unsigned char context[ACCOUNT_KEY_OCTETS], struct span text, char hex[SASL_CRAM_DIGEST]);

extern const struct sasl_mechanism sasl_plain, sasl_login, sasl_cram, sasl_scram, sasl_gssapi;

enum { SASL_STATE_MAX = 512 };

struct auth_exchange {
	struct auth *auth;
	const struct auth_peer *peer;
	enum auth_method method;
	const struct sasl_mechanism *mechanism;
	unsigned step; /* number of responses so far */
	bool begun;
	char login[ACCOUNT_NAME_MAX +
		   1]; /* the name as the client sent it, without a Windows domain; "" = not known yet */
	char name[ACCOUNT_NAME_MAX + 1]; /* the same; of an account, and of a Kerberos user, as it is known there */
	struct account account;          /* the real account, or one that looks like it */
	bool found, has_scram;
	bool by_kerberos;       /* the user has no account here */
	bool unknown;           /* the KDC has no such user */
	enum auth_result early; /* scram: the result of sasl_name, which a callback of libgsasl calls */
	uint64_t generation;
	struct guess_who who;
	const char *why;                   /* why it failed, for the administrator */
	char words[PASSWORDS_WHY_MAX + 1]; /* the same, when the KDC says it */
	union {
		Gsasl_session *gsasl;
		struct gss_exchange *gss;
		char text[SASL_STATE_MAX];
	} state;
};

/*
 * Sets the account by NAME. AUTH_MORE: it may be tried, and x->account is set; otherwise the result of the step. Once
 * in an exchange.
 */
enum auth_result sasl_name(struct auth_exchange *x, struct span name);

/* Checks again right before the proof is verified: many exchanges may run in parallel. */
enum auth_result sasl_may_try(struct auth_exchange *x);

/* Verifies the password after sasl_name. Any result but AUTH_MORE. */
enum auth_result sasl_password(struct auth_exchange *x, struct span password);

/*
 * The same by the KDC. AUTH_UNAVAILABLE, too. After AUTH_FAILED x->unknown says that there is no such user; after
 * AUTH_DONE x->name is the user, and x->by_kerberos is set.
 */
enum auth_result sasl_kerberos(struct auth_exchange *x, struct span password);

/* AUTH_FAILED with this reason. */
enum auth_result sasl_fail(struct auth_exchange *x, const char *why);

/* Waits this long; returns at once when MS is 0. False: too many workers wait already. */
bool sasl_wait(const struct auth_exchange *x, int64_t ms);

#endif
