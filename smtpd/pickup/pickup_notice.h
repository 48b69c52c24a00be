/*
 * The notice to the sender of a file with recipients that do not exist or are not valid addresses; the other recipients
 * get the message. The notice is a message of its own (RFC 3464), staged and named together with that of the file.
 * Pure.
 */
#ifndef SMTPD_PICKUP_PICKUP_NOTICE_H
#define SMTPD_PICKUP_PICKUP_NOTICE_H

#include "common/config/config.h"
#include "common/mail/msgid.h"
#include "common/recipients/notice_rcpts.h"
#include "smtpd/accept/submission.h"

enum {
	PICKUP_NOTICE_MAX = 1 << 20,          /* the members of the largest alias, and 256 KiB */
	PICKUP_NOTICE_HEADER_MAX = 32 * 1024, /* octets; a longer header is not included */
};

struct pickup_notice {
	const char *fqdn;
	const char *domain; /* of MAILER-DAEMON */
	const char *id;     /* of the notice */
	const char *date;
	const struct notice_rcpts *rcpts;
	const char *where; /* "the pickup folder" */
	enum config_language language;
};

/* The id of the notice about message ID: ID with its random characters rotated by one. */
void pickup_notice_id(const char id[MSGID_LEN + 1], char to[MSGID_LEN + 1]);

/* Whether S gets a notice: it has a sender, and a recipient was refused. */
bool pickup_notice_wanted(const struct submission *s);

/* Appends the whole message file, in 7 bits. The caller checks to->failed. */
void pickup_notice_write(const struct pickup_notice *n, const struct submission *s, struct str *to);

#endif
