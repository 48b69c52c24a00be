/*
 * The limits of `client` in the configuration and of its client rule that hold for one client, what it has used of
 * each, and what one more would get: for `mailrootctl explain relay`. A session decides by the same functions (usage.h,
 * clients.h).
 */
#ifndef SMTPD_POLICY_EXPLAIN_LIMITS_H
#define SMTPD_POLICY_EXPLAIN_LIMITS_H

#include "smtpd/policy/clients.h"
#include "smtpd/policy/policy.h"
#include "smtpd/policy/usage.h"

enum {
	EXPLAIN_CONNECTIONS = USAGE_KINDS, /* beside the kinds of usage.h */
	EXPLAIN_RULE_MESSAGES,             /* of the client rule */
	EXPLAIN_RULE_RECIPIENTS,
	EXPLAIN_LIMITS,
	EXPLAIN_MOST_MAX = 64
};

/* What happens to one more connection, message, recipient, octet or error. */
enum explain_next { EXPLAIN_FITS, EXPLAIN_REFUSED, EXPLAIN_LOGGED, EXPLAIN_EXCEPTED };

struct explained_limit {
	const char *setting;                /* "messages" */
	const struct config_origin *origin; /* where it is written; file NULL = the default */
	char most[EXPLAIN_MOST_MAX];        /* "300/1m" */
	const char *user;                   /* the user that is counted; NULL = the address. Borrowed from the client */
	uint64_t used;
	enum explain_next next;
	const struct config_client *exception; /* with EXPLAIN_EXCEPTED */
};

/*
 * Limit I of EXPLAIN_LIMITS for CLIENT, under the counts at MONO_MS. Appends the reply to one more, without CRLF, if it
 * is refused. False: the limit is none.
 */
bool explain_limit(const struct config_server *server, const struct policy_client *client, const struct usage *usage,
		   const struct clients *clients, size_t i, int64_t mono_ms, struct explained_limit *out,
		   struct str *reply);

#endif
