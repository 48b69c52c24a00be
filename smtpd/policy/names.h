/*
 * The client's host name by DNS: a session looks it up through this when a decision needs the name (policy.h). A worker
 * asks the resolver.
 */
#ifndef SMTPD_POLICY_NAMES_H
#define SMTPD_POLICY_NAMES_H

#include "smtpd/policy/policy.h"

struct names {
	void *context;
	/* Sets name and name_state of CLIENT: confirmed, or unconfirmed with the reason. */
	void (*look_up)(void *context, struct policy_client *client);
};

/* Asks on LINK (CHILD_FD_NAMES) and waits at most LIMIT_NAME_MS. */
struct names names_of_resolver(const int *link);

/* Takes the answer of the resolver. A malformed answer leaves the client unconfirmed. */
void names_take(struct span packet, struct policy_client *client);

#endif
