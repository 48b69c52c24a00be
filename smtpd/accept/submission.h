/*
 * What a message that was put into a folder lacks of one that came by SMTP: the envelope, from x-sender and x-receiver
 * lines or from its header, and a complete header. Pure.
 *
 *	x-sender, x-receiver   at the very head only, taken off; what is missing of the two comes from the header
 *	sender                 of the topmost Resent- block, if there is one, else of the message: Sender, else From
 *	recipients             of the same: To, Cc, Bcc
 *	added and taken off    as completion.h has it; the default domain is added to addresses without one
 *	refused                a recipient that is no address: the others get it
 *	bad                    no recipient is left; x-mailroot- lines at the head, which nobody but us may write; where
 *	                       DSN parameters may be given (`dsn`) they are those, as envelope.h has them
 */
#ifndef SMTPD_ACCEPT_SUBMISSION_H
#define SMTPD_ACCEPT_SUBMISSION_H

#include "smtpd/accept/recipients.h"

enum {
	/* Octets of a header: 5,000 recipients in x-receiver lines and again in To, of usual length. */
	SUBMISSION_HEAD_MAX = 2 << 20,
	/* After repair: domains added to short names, which may make a header several times as long. */
	SUBMISSION_REPAIRED_MAX = 8 << 20,
	SUBMISSION_REFUSED_MAX = 50, /* that are told of one by one */
	SUBMISSION_REASON_MAX = 280
};

/* What stands where a recipient should. */
struct submission_refused {
	struct span field; /* its name, in the header that was read */
	struct span text;  /* in it, too */
	const char *why;
};

/* What the header may lack. */
struct submission_defaults {
	const char *domain; /* of addresses without one */
	const char *fqdn;   /* of Message-ID */
	const char *id;
	const char *date;
	bool dsn;
};

struct submission {
	char sender[ADDRESS_MAX + 1]; /* "" = the null sender */
	struct str header;            /* repaired, without the empty line behind it; what stands in it stays in front */
	unsigned received;            /* Received fields in it */
	struct dsn_message dsn;       /* in the text */
	/* Where a recipient goes: its address, domain as written or empty, and what was asked of notices for it. False
	 * without memory. */
	bool (*take)(void *context, const struct address *rcpt, const struct dsn_rcpt *dsn);
	void *context;
	size_t rcpt_count;
	struct submission_refused refused[SUBMISSION_REFUSED_MAX];
	size_t refused_count; /* beyond SUBMISSION_REFUSED_MAX only counted */
	char reason[SUBMISSION_REASON_MAX];
};

enum submission_result {
	SUBMISSION_GOOD,
	SUBMISSION_BAD,      /* it never will be a message */
	SUBMISSION_NO_MEMORY /* nothing is known of it: try again */
};

/*
 * HEAD is the header section with CRLF line ends, as fields_end finds it behind the fields_preamble. s->take and
 * s->context are set, s->header is initialized. *why of what is not good.
 */
enum submission_result submission_read(struct span head, const struct submission_defaults *defaults,
				       struct submission *s, const char **why);

#endif
