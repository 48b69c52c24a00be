/*
 * How the configuration decides a recipient of which only a log speaks. The log does not tell the client's name in DNS,
 * nor whether it will authenticate or use TLS here. So the policy is asked for each of the possible clients; if their
 * verdicts differ, the verdict can't be known. Pure.
 */
#ifndef CTL_REPLAY_VERDICT_H
#define CTL_REPLAY_VERDICT_H

#include "smtpd/policy/policy.h"

enum outcome { OUTCOME_ACCEPTED, OUTCOME_REFUSED, OUTCOME_UNKNOWABLE };

/* What an unknowable verdict depends on. */
enum depends { DEPENDS_NOTHING, DEPENDS_NAME, DEPENDS_USER, DEPENDS_TLS };

struct verdict {
	enum outcome outcome;
	enum depends depends;
	struct policy_step step; /* the rule that decided; of an unknowable verdict, the one that would */
	const char *fault;       /* the address is invalid: why, and no rule was asked; NULL = it is valid */
	bool for_all;            /* every client that may connect and send may send to this domain */
};

/* What the log tells. */
struct facts {
	struct ipaddr client;
	bool authenticated; /* on the old server */
	bool tls;
	const struct address *sender; /* empty text = the null sender; NULL = not known */
};

/* RCPT as in explain_decide. */
void verdict_decide(const struct config_server *server, const struct facts *facts, const struct address *rcpt,
		    struct verdict *out);

/* "accepted", "refused", "unknowable" */
const char *verdict_word(enum outcome outcome);

/* The verdict on an address that can't be parsed, with the phrase FAULT. */
void verdict_invalid(const char *fault, struct verdict *out);

/* Appends why: the words of the rule that decided, or what the verdict depends on. */
void verdict_format(const struct config_server *server, const struct verdict *verdict, struct str *to);

#endif
