/*
 * Makes the beginning of a message file from the text of a local program: envelope lines, then its header with From and
 * Date where they are missing. The pickup process completes the rest of the header. Pure.
 */
#ifndef SENDMAIL_COMPOSE_H
#define SENDMAIL_COMPOSE_H

#include "common/base/str.h"
#include "common/mail/envelope.h"

enum {
	COMPOSE_HEADER_MAX = 1 << 20, /* octets of a header: some 20,000 addresses */
	COMPOSE_HEAD_MAX = 2 << 20,   /* of the whole result: pickup's limit */
	COMPOSE_WHY_MAX = 400
};

enum compose_result {
	COMPOSE_OK,
	COMPOSE_NO_RECIPIENT,
	COMPOSE_BAD_ADDRESS,
	COMPOSE_TOO_LONG, /* the header is too long, or has too many recipients */
	COMPOSE_NO_MEMORY
};

struct compose {
	struct str head; /* the result, str_init with COMPOSE_HEAD_MAX */
	size_t rcpt_count;
	char sender[ADDRESS_MAX + 1]; /* the given sender; "" = none, or the null sender */
	char why[COMPOSE_WHY_MAX];    /* for the last result that is not OK */
};

/*
 * Writes the lines of the sender: SENDER as a program gives it, possibly with a name in front; "" or "<>" is the null
 * sender.
 */
enum compose_result compose_sender(struct compose *c, const char *sender, const struct dsn_message *dsn);

/* Writes the lines of all addresses of LIST (RFC 5322 3.4), each with DSN. */
enum compose_result compose_recipients(struct compose *c, struct span list, const struct dsn_rcpt *dsn);

/* The same for the recipients in HEADER: To, Cc and Bcc, or those of its topmost Resent- block. */
enum compose_result compose_from_header(struct compose *c, struct span header, const struct dsn_rcpt *dsn);

/* Defaults for missing header fields. */
struct compose_defaults {
	const char *address;   /* for From */
	const char *full_name; /* "" = none */
	const char *date;
};

/*
 * Writes HEADER and the empty line behind it. Bcc is left out. Fields at its beginning that could be taken for envelope
 * lines come last.
 */
enum compose_result compose_header(struct compose *c, struct span header, const struct compose_defaults *defaults);

#endif
