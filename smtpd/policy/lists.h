/* How a session asks DNS lists about its client (listing.h). A worker asks the resolver. */
#ifndef SMTPD_POLICY_LISTS_H
#define SMTPD_POLICY_LISTS_H

#include <stdint.h>

#include "common/ipc/wire.h"
#include "common/mail/dnsbl.h"

struct lists {
	void *context;
	/* Begins to ask. *FD is for finish; -1 = finish asks. */
	void (*begin)(void *context, const struct wire_listed_of *question, int *fd);
	/*
	 * Waits until the clock (clock_mono_ms) reaches UNTIL. The field `answers` of `listed` is in TO, which has room
	 * for DNSBL_ANSWERS_MAX + 1. False: there is no answer. *FD is closed.
	 */
	bool (*finish)(void *context, const struct wire_listed_of *question, int *fd, int64_t until, char *to);
};

/* Asks on LINK (CHILD_FD_NAMES). */
struct lists lists_of_resolver(const int *link);

#endif
