/*
 * Completes a message that was put into a folder: makes its envelope, from x-sender and x-receiver lines or from the
 * header, and repairs its header. Pure.
 *
 *	x-sender, x-receiver   only at the very head; they are removed; the header gives what is missing
 *	sender                 from the topmost Resent- block, if there is one, else from the message: Sender, else From
 *	recipients             from the same: To, Cc, Bcc
 *	added and removed      as in completion.h; addresses without a domain get the default domain
 *	refused                a recipient that is invalid or does not exist: the others get the message
 *	bad                    no recipient is left; x-mailroot- lines at the head, which only Mailroot may write (with
 *	                       `dsn` those of DSN parameters, envelope.h, are allowed)
 */
#ifndef SMTPD_ACCEPT_SUBMISSION_H
#define SMTPD_ACCEPT_SUBMISSION_H

#include "smtpd/accept/recipients.h"

enum {
	/* Octets of a header: 5,000 recipients of usual length in x-receiver lines and again in To. */
	SUBMISSION_HEAD_MAX = 2 << 20,
	/* After repair: added domains may make a header of short names several times as long. */
	SUBMISSION_REPAIRED_MAX = 8 << 20,
	SUBMISSION_REFUSED_MAX = 50, /* refused recipients that are reported one by one */
	SUBMISSION_REASON_MAX = 280
};

/* What becomes of a recipient. */
enum submission_taken {
	SUBMISSION_TAKEN,
	SUBMISSION_UNKNOWN,   /* it does not exist */
	SUBMISSION_UNDECIDED, /* no list can say now whether it exists, or to which addresses it leads */
	SUBMISSION_TOO_MANY,  /* with the members of aliases, the message has more than ENVELOPE_RCPT_MAX */
	SUBMISSION_NOT_KEPT   /* no memory */
};

/* A recipient that is invalid or does not exist. */
struct submission_refused {
	struct span field; /* name of the field, in the header that was read */
	struct span text;  /* its text, in the same header */
	const char *why;
	bool unknown; /* it is valid, but does not exist */
};

/* Defaults for what the header lacks. */
struct submission_defaults {
	const char *domain; /* for addresses without one */
	const char *fqdn;   /* for Message-ID */
	const char *id;
	const char *date;
	bool dsn;
};

struct submission {
	char sender[ADDRESS_MAX + 1]; /* "" = the null sender */
	struct str header;            /* repaired, without the empty line behind it; existing text stays in front */
	unsigned received;            /* number of Received fields */
	struct dsn_message dsn;       /* points into the text */
	/* Takes a recipient: its address, with the domain as written or empty, and its DSN request. */
	enum submission_taken (*take)(void *context, const struct address *rcpt, const struct dsn_rcpt *dsn);
	void *context;
	size_t rcpt_count;
	struct submission_refused refused[SUBMISSION_REFUSED_MAX];
	size_t refused_count; /* all of them, also beyond SUBMISSION_REFUSED_MAX */
	bool nobody;          /* it is bad because it has no recipient, or none that can be used */
	char reason[SUBMISSION_REASON_MAX];
};

enum submission_result {
	SUBMISSION_GOOD,
	SUBMISSION_BAD,       /* it can never be delivered */
	SUBMISSION_NO_MEMORY, /* temporary: try again */
	SUBMISSION_LATER      /* temporary: a recipient is undecided */
};

/*
 * HEAD is the header section with CRLF line ends, as fields_end finds it behind the fields_preamble. The caller has set
 * s->take and s->context, and initialized s->header. *why is set when the result is not good.
 */
enum submission_result submission_read(struct span head, const struct submission_defaults *defaults,
				       struct submission *s, const char **why);

#endif
