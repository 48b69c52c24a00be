/*
 * Clients that say who they are (RFC 4954): which mechanisms a session may use, and the exchanges. A mechanism is a
 * file sasl_*.c with a step function (sasl.h); here is what they share: whose account it is, whether it may be tried
 * (guess.h), how many passwords are checked at once (turns.h), what the log says. The session knows only exchanges.
 *
 * A step may wait: for its turn, and as guess.h says. Accounts that do not exist take the same way as others.
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

/* Where accounts come from. CURRENT: the newest, and a number that changes with them; NULL = none. */
struct auth_users {
	void *context;
	const struct accounts *(*current)(void *context, uint64_t *generation);
};

/*
 * Parent, as root or not, before the jail: what all workers share. WORKERS: how many there may be. GSS may be NULL; it
 * is borrowed, as is what USERS leads to. NULL with errno.
 */
struct auth *auth_new(const struct auth_users *users, struct gss_server *gss, size_t workers);
void auth_free(struct auth *a); /* NULL is fine */

/* The connection, as far as it matters here. Borrowed for the exchange. */
struct auth_peer {
	const struct config_server *config; /* may be another one before each step */
	const struct policy_client *client;
	const char *tls;              /* its version, for the log; NULL = none */
	const unsigned char *binding; /* channel binding data (RFC 5056) */
	size_t binding_len;           /* 0 = there is none */
	bool binding_exporter;        /* tls-exporter; otherwise tls-unique */
};

enum auth_method {
	AUTH_METHOD_GSSAPI,
	AUTH_METHOD_SCRAM_SHA_256_PLUS,
	AUTH_METHOD_SCRAM_SHA_256,
	AUTH_METHOD_CRAM_MD5,
	AUTH_METHOD_PLAIN,
	AUTH_METHOD_LOGIN,
	AUTH_METHOD_COUNT /* there is no such method */
};

/* As in EHLO and AUTH: "SCRAM-SHA-256". */
const char *auth_method_name(enum auth_method method);
enum auth_method auth_method_of(struct span name);

enum auth_permission {
	AUTH_PERMITTED,
	AUTH_UNKNOWN,   /* not configured, or not possible here */
	AUTH_NEEDS_TLS, /* it would show the password to whoever listens */
	AUTH_WANTS_NAME /* auth_clear_list holds names: look the client's name up and ask again */
};

/* Pure, but for the question whether there are keys for GSSAPI. A NULL is fine: nobody can authenticate. */
enum auth_permission auth_permits(const struct auth *a, const struct auth_peer *peer, enum auth_method method);

enum auth_result {
	AUTH_MORE, /* send the challenge, come back with the response */
	AUTH_DONE,
	AUTH_FAILED,  /* whatever the cause: the client hears the same */
	AUTH_CROWDED, /* not now */
	AUTH_REFUSED  /* too many failures: hang up */
};

/* NULL: no memory. */
struct auth_exchange *auth_begin(struct auth *a, const struct auth_peer *peer, enum auth_method method);

/*
 * The first step has the initial response, HAS_RESPONSE false when there was none. RESPONSE is decoded; the caller
 * wipes it. CHALLENGE (of the caller, AUTH_CHALLENGE_MAX octets or more) is set, not encoded. After a result other than
 * AUTH_MORE there are no more steps, and the log says how it ended.
 */
enum { AUTH_CHALLENGE_MAX = 9216 };
enum auth_result auth_step(struct auth_exchange *x, bool has_response, struct span response, struct str *challenge);

/* Wipes and releases; NULL is fine. */
void auth_end(struct auth_exchange *x);

/* Who has authenticated, as long as the session lasts. */
struct auth_identity {
	char user[ACCOUNT_NAME_MAX + 1];
	enum auth_method method;
	bool has_account; /* false: Kerberos alone vouches */
	int64_t changed_ms;
	uint64_t generation; /* of the accounts when they were last looked at */
};

/* After AUTH_DONE. */
void auth_identify(const struct auth_exchange *x, struct auth_identity *out);

/* Is the account still there as it was? One atomic load when nothing has changed. Can be called in a signal handler. */
bool auth_holds(const struct auth *a, struct auth_identity *identity);

#endif
