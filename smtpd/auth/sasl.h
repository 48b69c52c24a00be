/* What mechanisms (sasl_*.c) and auth.c have between them. */
#ifndef SMTPD_AUTH_SASL_H
#define SMTPD_AUTH_SASL_H

#include <gsasl.h>

#include "smtpd/auth/auth.h"
#include "smtpd/auth/guess.h"
#include "smtpd/auth/remembered.h"

enum { SASL_SECRET = 32 };

struct auth {
	struct auth_users users;
	struct gss_server *gss;
	Gsasl *gsasl;
	struct guess *guess;
	struct remembered *remembered;
	int turns_fd;
	size_t checks;                     /* passwords at once */
	size_t queue;                      /* workers that may wait for that, at once */
	size_t waits;                      /* workers that may wait as guess.h says, at once */
	unsigned char secret[SASL_SECRET]; /* of what is made up for accounts that don't exist */
};

struct sasl_mechanism {
	bool no_initial;                        /* the server speaks first, always */
	bool (*begin)(struct auth_exchange *x); /* NULL = nothing to do; false = no memory */
	/* What is said when AUTH brings no response; NULL = nothing. */
	void (*prompt)(struct auth_exchange *x, struct str *challenge);
	enum auth_result (*step)(struct auth_exchange *x, struct span response, struct str *challenge);
	void (*end)(struct auth_exchange *x); /* NULL = nothing to do */
};

/* What libgsasl asks during SCRAM. */
int sasl_scram_callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property);

/* HMAC-MD5 of TEXT in hexadecimal, from the state of MD5 behind both blocks of key. */
enum { SASL_CRAM_DIGEST = 33 };
void sasl_cram_digest(const unsigned char context[ACCOUNT_KEY_OCTETS], struct span text, char hex[SASL_CRAM_DIGEST]);

extern const struct sasl_mechanism sasl_plain, sasl_login, sasl_cram, sasl_scram, sasl_gssapi;

enum { SASL_STATE_MAX = 512 };

struct auth_exchange {
	struct auth *auth;
	const struct auth_peer *peer;
	enum auth_method method;
	const struct sasl_mechanism *mechanism;
	unsigned step; /* responses that the mechanism has had */
	bool begun;
	char name[ACCOUNT_NAME_MAX + 1]; /* as looked up, without a Windows domain; "" = not known yet */
	struct account account;          /* when found; otherwise one that looks like it */
	bool found, has_scram;
	enum auth_result early; /* scram: of sasl_name, which is asked from within libgsasl */
	uint64_t generation;
	struct guess_who who;
	const char *why; /* of a failure, for the administrator */
	union {
		Gsasl_session *gsasl;
		struct gss_exchange *gss;
		char text[SASL_STATE_MAX];
	} state;
};

/*
 * The client says that it is NAME: AUTH_MORE when it may be tried, with x->account set; otherwise the result of the
 * step. Once in an exchange.
 */
enum auth_result sasl_name(struct auth_exchange *x, struct span name);

/* Again, right before a proof is looked at: many exchanges may have begun side by side. */
enum auth_result sasl_may_try(struct auth_exchange *x);

/* After sasl_name: is this the password? AUTH_DONE, AUTH_FAILED, AUTH_CROWDED or AUTH_REFUSED. */
enum auth_result sasl_password(struct auth_exchange *x, struct span password);

/* AUTH_FAILED, for this reason. */
enum auth_result sasl_fail(struct auth_exchange *x, const char *why);

/* Waits so long, if not too many do already: false. At once when MS is 0. */
bool sasl_wait(const struct auth_exchange *x, int64_t ms);

#endif
