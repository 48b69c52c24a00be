/*
 * What a message of a client of ours gets that its header lacks, and what is taken off it (RFC 6409 8, RFC 5321 6.4),
 * as Postfix does both: From, of the envelope sender, Date and Message-ID; Bcc, Resent-Bcc, Content-Length and
 * Return-Path. Pure. The same for a message that comes by SMTP, from the pickup folder and by sendmail.
 */
#ifndef COMMON_MAIL_COMPLETION_H
#define COMMON_MAIL_COMPLETION_H

#include "common/base/str.h"

/* Zeroed = no field was seen. */
struct completion {
	bool from, date, id;
};

struct completion_values {
	const char *sender; /* "" = the null sender */
	const char *domain; /* ours, for the null sender: MAILER-DAEMON@DOMAIN */
	const char *fqdn;   /* of Message-ID */
	const char *id;
	const char *date;
};

/* The header has a field of that name. False: it is taken off. */
bool completion_see(struct completion *c, struct span name);

/* The fields that were not seen, with CRLF. At most COMPLETION_MAX octets with names and addresses of their size. */
enum { COMPLETION_MAX = 1024 };
void completion_write(const struct completion *c, const struct completion_values *with, struct str *to);

#endif
