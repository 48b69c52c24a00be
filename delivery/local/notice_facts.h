/* The facts in the journal of a message that its sender should know. Pure. */
#ifndef DELIVERY_LOCAL_NOTICE_FACTS_H
#define DELIVERY_LOCAL_NOTICE_FACTS_H

#include "common/mail/envelope.h"
#include "common/mail/journal.h"

/* The Action of RFC 3464 2.3.3, in the order of importance. */
enum notice_action {
	NOTICE_NOTHING,
	NOTICE_FAILED,
	NOTICE_DELAYED,
	NOTICE_RELAYED,
	NOTICE_EXPANDED,
	NOTICE_DELIVERED,
	NOTICE_ACTION_COUNT
};

struct notice_fact {
	enum notice_action action;
	struct journal_line line;    /* its source */
	struct journal_line attempt; /* the last attempt before, for a recipient whose time was over */
	bool expired;                /* failed so, and there was such an attempt */
	bool warned;                 /* the sender knows of the delay */
};

/*
 * Sets the FACTS of each recipient of ENVELOPE from JOURNAL (only whole lines count). What the sender was told already
 * is NOTICE_NOTHING. Returns the number of the others. The spans of lines point into JOURNAL.
 */
size_t notice_facts(struct span journal, const struct envelope *envelope, struct notice_fact *facts);

/* "failed", "delayed", "relayed", "expanded", "delivered" */
const char *notice_action_name(enum notice_action action);

/* The line with the reason, in the words of the refusing host. */
const struct journal_line *notice_cause(const struct notice_fact *fact);

/* The status for the action (RFC 3464 2.3.4), with the matching class. */
struct enhanced notice_status(const struct notice_fact *fact);

#endif
