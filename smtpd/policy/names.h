/*
 * Who a client is by DNS: a session asks through this when a decision needs the name (policy.h), a worker's own asks
 * the resolver.
 */
#ifndef SMTPD_POLICY_NAMES_H
#define SMTPD_POLICY_NAMES_H

#include "smtpd/policy/policy.h"

struct names {
	void *context;
	/* Fills name and name_state of CLIENT: confirmed, or unconfirmed with the reason. */
	void (*look_up)(void *context, struct policy_client *client);
};

/* Asks on LINK (CHILD_FD_NAMES), at most LIMIT_NAME_MS. */
struct names names_of_resolver(const int *link);

/* Takes what the resolver said; what is no answer of its leaves the client unconfirmed. */
void names_take(struct span packet, struct policy_client *client);

#endif
