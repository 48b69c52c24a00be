/*
 * What DNS lists and the pause before the greeting mean for one client and recipient: for `mailrootctl explain relay`.
 * No list is asked here. Pure.
 */
#ifndef SMTPD_POLICY_EXPLAIN_LISTS_H
#define SMTPD_POLICY_EXPLAIN_LISTS_H

#include "smtpd/policy/listing.h"

struct explained_list {
	const char *setting;                /* "dnsbl", "dnsbl_allow", "greet_pause" */
	const struct config_origin *origin; /* where it is written */
	const char *effect; /* "asked", "waits"; or why not: "excepted", "authenticated", "may_relay", "postmaster" */
};

/*
 * List I, and after the last list the pause. Appends its value to VALUE, without the key of the customer. False: there
 * are no more.
 */
bool explain_list(const struct config_server *server, const struct policy_client *client, const struct address *rcpt,
		  size_t i, struct explained_list *out, struct str *value);

#endif
