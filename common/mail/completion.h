/*
 * Header fields that are added to and removed from a message of one of our clients (RFC 6409 8, RFC 5321 6.4), as in
 * Postfix: adds From, of the envelope sender, Date and Message-ID; removes Bcc, Resent-Bcc, Content-Length and
 * Return-Path. Pure. The same for messages by SMTP, from the pickup folder and by sendmail.
 */
#ifndef COMMON_MAIL_COMPLETION_H
#define COMMON_MAIL_COMPLETION_H

#include "common/base/str.h"

/* Zeroed = no field seen yet. */
struct completion {
	bool from, date, id;
};

struct completion_values {
	const char *sender; /* "" = the null sender */
	const char *domain; /* our domain, for the null sender: MAILER-DAEMON@DOMAIN */
	const char *fqdn;   /* for Message-ID */
	const char *id;
	const char *date;
};

/* Notes a field of the header. False: the field is removed. */
bool completion_see(struct completion *c, struct span name);

/* Appends the missing fields, with CRLF. At most COMPLETION_MAX octets with names and addresses of permitted size. */
enum { COMPLETION_MAX = 1024 };
void completion_write(const struct completion *c, const struct completion_values *with, struct str *to);

#endif
