/* What the journal of a message says that its sender should know. Pure. */
#ifndef DELIVERY_LOCAL_NOTICE_FACTS_H
#define DELIVERY_LOCAL_NOTICE_FACTS_H

#include "common/mail/envelope.h"
#include "common/mail/journal.h"

/* The Action of RFC 3464 2.3.3; the order is that of importance. */
enum notice_action {
	NOTICE_NOTHING,
	NOTICE_FAILED,
	NOTICE_DELAYED,
	NOTICE_RELAYED,
	NOTICE_DELIVERED,
	NOTICE_ACTION_COUNT
};

struct notice_fact {
	enum notice_action action;
	struct journal_line line;    /* that says so */
	struct journal_line attempt; /* the last one before, for what failed because its time was over */
	bool expired;                /* failed so, and there is such an attempt */
	bool warned;                 /* the sender knows of the delay */
};

/*
 * What JOURNAL (whole lines count) has of each of the COUNT recipients: FACTS holds one entry for each. What the sender
 * was told already is nothing. Returns how many are not. The lines' spans point into JOURNAL.
 */
size_t notice_facts(struct span journal, struct notice_fact *facts, size_t count);

/* "failed", "delayed", "relayed", "delivered" */
const char *notice_action_name(enum notice_action action);

/* The line that says why, in the words of who refused. */
const struct journal_line *notice_cause(const struct notice_fact *fact);

/* The status that belongs to the action (RFC 3464 2.3.4), of the class that goes with it. */
struct enhanced notice_status(const struct notice_fact *fact);

#endif
