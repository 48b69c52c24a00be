/*
 * SMTP AUTH (RFC 4954): the mechanisms that a session may use, and the exchanges. Each mechanism is a file sasl_*.c
 * with a step function (sasl.h). This file has what they share: the account, whether it may be tried now (guess.h), how
 * many passwords are checked at once (semaphore.h), and the log line. The session knows only exchanges.
 *
 * A step may wait: for a slot of the semaphore, and as guess.h says. Accounts that do not exist take the same path as
 * others.
 */
#ifndef SMTPD_AUTH_AUTH_H
#define SMTPD_AUTH_AUTH_H

#include "common/accounts/accounts.h"
#include "common/config/config.h"
#include "common/tls/channel.h"
#include "smtpd/auth/gss.h"
#include "smtpd/policy/policy.h"

struct auth;
struct auth_exchange;

/* The source of the accounts. CURRENT: the newest accounts, and a number that changes with them; NULL = none. */
struct auth_users {
	void *context;
	const struct accounts *(*current)(void *context, uint64_t *generation);
};

/*
 * Parent, as root or not, before the jail: makes what all workers share. WORKERS: their maximum number. GSS may be
 * NULL; it is borrowed, as is what USERS points to. NULL with errno.
 */
struct auth *auth_new(const struct auth_users *users, struct gss_server *gss, size_t workers);
void auth_free(struct auth *a); /* NULL is fine */

/* Passwords may be checked by Kerberos (access passwords): LINK leads to the process that asks the KDC. */
void auth_set_passwords_link(struct auth *a, int link);

/* The connection, as far as authentication needs it. Borrowed for the exchange. */
struct auth_peer {
	const struct config_server *config; /* may be another one at each step */
	const struct policy_client *client;
	const char *tls;              /* its version, for the log; NULL = none */
	const unsigned char *binding; /* channel binding data (RFC 5056) */
	size_t binding_len;           /* 0 = none */
	bool binding_exporter;        /* tls-exporter; otherwise tls-unique */
};

enum auth_method {
	AUTH_METHOD_GSSAPI,
	AUTH_METHOD_SCRAM_SHA_256_PLUS,
	AUTH_METHOD_SCRAM_SHA_256,
	AUTH_METHOD_CRAM_MD5,
	AUTH_METHOD_PLAIN,
	AUTH_METHOD_LOGIN,
	AUTH_METHOD_COUNT /* unknown mechanism */
};

/* The name in EHLO and AUTH: "SCRAM-SHA-256". */
const char *auth_method_name(enum auth_method method);
enum auth_method auth_method_of(struct span name);

enum auth_permission {
	AUTH_PERMITTED,
	AUTH_UNKNOWN,   /* not configured, or not possible here */
	AUTH_NEEDS_TLS, /* it would send the password in clear */
	AUTH_WANTS_NAME /* auth_clear_list holds names: look up the client's name and ask again */
};

/* Pure, except for the question whether there are keys for GSSAPI. A NULL: nothing is permitted. */
enum auth_permission auth_permits(const struct auth *a, const struct auth_peer *peer, enum auth_method method);

enum auth_result {
	AUTH_MORE, /* send the challenge, call again with the response */
	AUTH_DONE,
	AUTH_FAILED,      /* the client gets the same reply whatever the reason */
	AUTH_CROWDED,     /* temporary: too many clients authenticate */
	AUTH_UNAVAILABLE, /* temporary: the KDC does not check the password, or is not asked now */
	AUTH_REFUSED      /* too many failures: close the connection */
};

/* NULL: no memory. */
struct auth_exchange *auth_begin(struct auth *a, const struct auth_peer *peer, enum auth_method method);

/*
 * The first step takes the initial response; HAS_RESPONSE is false if there was none. RESPONSE is decoded; the caller
 * wipes it. CHALLENGE (the caller's, at least AUTH_CHALLENGE_MAX octets) is set, not encoded. After any result but
 * AUTH_MORE there are no more steps, and the log has the result.
 */
enum { AUTH_CHALLENGE_MAX = 9216 };
enum auth_result auth_step(struct auth_exchange *x, bool has_response, struct span response, struct str *challenge);

/* Wipes and releases; NULL is fine. */
void auth_end(struct auth_exchange *x);

/* The authenticated user, for the rest of the session. */
struct auth_identity {
	char user[ACCOUNT_NAME_MAX + 1];
	enum auth_method method; /* AUTH_METHOD_COUNT: XCLIENT has named the user */
	bool has_account;        /* false: the user comes from Kerberos alone, by ticket or by password */
	int64_t changed_ms;
	uint64_t generation; /* of the accounts at the last look-up */
};

/* Call after AUTH_DONE. */
void auth_identify(const struct auth_exchange *x, struct auth_identity *out);

/*
 * Whether the account is still there and unchanged. One atomic load when nothing has changed. Safe in a signal handler.
 */
bool auth_holds(const struct auth *a, struct auth_identity *identity);

#endif
