/*
 * Who may send to whom (settings.md "Relay order"), as a pure function of the configuration, the client and the
 * recipient's domain. The server, `mailrootctl explain relay` and the tests call the same one.
 */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "common/host/config.h"

enum policy_rule {
	POLICY_DEFAULT_DOMAIN, /* the address had no domain, or the default domain itself */
	POLICY_LOCAL_DOMAIN,
	POLICY_ALIAS_DOMAIN,
	POLICY_REMOTE_DOMAIN, /* relay yes or no of the best matching remote domain */
	POLICY_CLIENT_LISTED, /* the client is in relay list */
	POLICY_CLIENT_NOT_LISTED,
	POLICY_RULE_COUNT
};

/* One rule that was looked at. The last step of a chain is the one that decided. */
struct policy_step {
	enum policy_rule rule;
	bool accepts;     /* would accept; false = goes on, or refuses when last */
	const char *text; /* the domain, pattern or network of the rule; NULL = none; in the configuration */
	const struct config_origin *origin; /* where it stands; file NULL = the default */
};

enum { POLICY_STEPS_MAX = 3 };

struct policy_decision {
	bool accepted;
	const char *stamp; /* the domain that the address gets: default for none and for an alias; NULL = its own */
	struct policy_step steps[POLICY_STEPS_MAX];
	size_t step_count;
};

/* DOMAIN is that of the recipient, empty when it had none. */
void policy_relay_decide(const struct config_server *server, const struct ipaddr *client, struct span domain,
			 struct policy_decision *out);

/* A step in words: "remote_domain *.example.net has relay no: goes on". */
void policy_step_format(const struct config_server *server, const struct policy_step *step, struct str *to);

/* The smallest change of the configuration that would turn the decision; nothing where there is none to advise. */
void policy_advice_format(const struct policy_decision *decision, struct span client, struct span domain,
			  struct str *to);

#endif
