/*
 * The beginning of a message file from what a local program wrote: envelope lines, then its header with From and Date
 * where they are missing. What else a header may need is the work of whoever takes the file. Pure.
 */
#ifndef SENDMAIL_COMPOSE_H
#define SENDMAIL_COMPOSE_H

#include "common/base/str.h"
#include "common/mail/envelope.h"

enum {
	COMPOSE_HEADER_MAX = 1 << 20, /* octets of a header: some 20,000 addresses */
	COMPOSE_HEAD_MAX = 2 << 20,   /* of all that is made of it; whoever takes the file wants no more */
	COMPOSE_WHY_MAX = 400
};

enum compose_result {
	COMPOSE_OK,
	COMPOSE_NO_RECIPIENT,
	COMPOSE_BAD_ADDRESS,
	COMPOSE_TOO_LONG, /* the header, or too many recipients */
	COMPOSE_NO_MEMORY
};

struct compose {
	struct str head; /* the result, str_init with COMPOSE_HEAD_MAX */
	size_t rcpt_count;
	char sender[ADDRESS_MAX + 1]; /* that was named; "" = none, or the null sender */
	char why[COMPOSE_WHY_MAX];    /* of the last result that is not OK */
};

/* The lines of the sender: SENDER as a program writes it, maybe with a name in front; "" or "<>" is the null sender. */
enum compose_result compose_sender(struct compose *c, const char *sender, const struct dsn_message *dsn);

/* The lines of all addresses of LIST (RFC 5322 3.4), each with DSN. */
enum compose_result compose_recipients(struct compose *c, struct span list, const struct dsn_rcpt *dsn);

/* The same of those that HEADER names: To, Cc and Bcc, or those of its topmost Resent- block. */
enum compose_result compose_from_header(struct compose *c, struct span header, const struct dsn_rcpt *dsn);

/* What a header may lack. */
struct compose_defaults {
	const char *address;   /* of From */
	const char *full_name; /* "" = none */
	const char *date;
};

/*
 * HEADER, and the empty line behind it. Bcc is left out. Fields that would pass for envelope lines at its beginning
 * come last.
 */
enum compose_result compose_header(struct compose *c, struct span header, const struct compose_defaults *defaults);

#endif
