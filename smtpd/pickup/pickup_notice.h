/*
 * The notice to the sender of a file some of whose recipients are no addresses: the others get it. It is a message of
 * its own (RFC 3464), staged and named together with the file's. Pure.
 */
#ifndef SMTPD_PICKUP_PICKUP_NOTICE_H
#define SMTPD_PICKUP_PICKUP_NOTICE_H

#include "common/mail/msgid.h"
#include "smtpd/accept/submission.h"

enum {
	PICKUP_NOTICE_MAX = 256 * 1024,
	PICKUP_NOTICE_HEADER_MAX = 32 * 1024, /* octets of a header that is sent back; a longer one is left out */
};

struct pickup_notice {
	const char *fqdn;
	const char *domain; /* of MAILER-DAEMON */
	const char *id;     /* of the notice */
	const char *date;
	const char *where; /* "the pickup folder" */
};

/* The id of the notice about message ID: its random characters, turned by one. */
void pickup_notice_id(const char id[MSGID_LEN + 1], char to[MSGID_LEN + 1]);

/* Somebody is to be told of what S refused: there is a sender, and something was refused. */
bool pickup_notice_wanted(const struct submission *s);

/* The whole message file. to->failed is looked at by the caller. */
void pickup_notice_write(const struct pickup_notice *n, const struct submission *s, struct str *to);

#endif
