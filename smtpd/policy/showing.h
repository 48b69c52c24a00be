/* Whether a filter is shown the mail of a client, or why not. Pure. */
#ifndef SMTPD_POLICY_SHOWING_H
#define SMTPD_POLICY_SHOWING_H

#include "smtpd/policy/policy.h"

enum showing {
	SHOWING_ALL,
	SHOWING_COMMANDS,      /* but not the content, which is larger than max_size */
	SHOWING_SOURCE,        /* not: mail of this source is not in `only` */
	SHOWING_LISTED,        /* not: the client is in skip_list */
	SHOWING_AUTHENTICATED, /* not: skip_authenticated */
};

/* OCTETS of the message; 0 = not known. *ENTRY is that of skip_list, with SHOWING_LISTED; NULL otherwise. */
enum showing showing_of(const struct config_filter *filter, enum config_mail_source source,
			const struct policy_client *client, uint64_t octets, const struct config_client **entry);

#endif
