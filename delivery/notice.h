/*
 * The notice to a sender whose message could not be delivered: which recipients, who said so and in which words, what
 * can be done, and the headers of the message. Pure. The same facts give the same octets, so a notice that is written
 * twice has one name.
 */
#ifndef DELIVERY_NOTICE_H
#define DELIVERY_NOTICE_H

#include "common/mail/envelope.h"
#include "common/mail/journal.h"

enum {
	NOTICE_HEADERS_MAX = 10 * 1024, /* octets of the message's headers that are shown */
	NOTICE_MAX = 16 << 20           /* ENVELOPE_RCPT_MAX recipients, each with words of its own */
};

struct notice_failure {
	bool due; /* failed, and the sender does not know yet */
	struct journal_line line;
};

/*
 * What JOURNAL (whole lines count) says of each of the COUNT recipients: FAILURES holds one entry for each. Returns how
 * many are due. The lines' spans point into JOURNAL.
 */
size_t notice_failures(struct span journal, struct notice_failure *failures, size_t count);

struct notice {
	const char *fqdn;
	const char *postmaster;
	struct span id;         /* of the notice: also tells its time */
	struct span message_id; /* of the message that failed, as our logs name it */
	const struct envelope *envelope;
	const struct notice_failure *failures; /* one for each recipient of the envelope */
	struct span headers;                   /* the start of the message proper, at most NOTICE_HEADERS_MAX */
};

/* Appends the whole message file, envelope lines first. */
void notice_write(const struct notice *notice, struct str *to);

#endif
