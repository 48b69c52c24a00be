/*
 * The recipients of the current message as envelope lines, without duplicates: the lines and an index of them.
 * ENVELOPE_RCPT_MAX and the caller's limit bound them. A search takes constant time, or at worst, with collisions, one
 * comparison for each recipient.
 */
#ifndef SMTPD_ACCEPT_RECIPIENTS_H
#define SMTPD_ACCEPT_RECIPIENTS_H

#include "common/base/arena.h"
#include "common/mail/envelope.h"

struct recipients_slot;

struct recipients {
	struct str lines;              /* "x-receiver: ..." CRLF, in the order of RCPT */
	struct recipients_slot *slots; /* in the arena; open addressing, at most half full */
	size_t slot_count;
	size_t count;
	struct arena arena;
};

enum recipients_result { RECIPIENTS_ADDED, RECIPIENTS_KNOWN, RECIPIENTS_NO_MEMORY };

void recipients_init(struct recipients *r);
void recipients_free(struct recipients *r);
void recipients_reset(struct recipients *r); /* keeps a little memory for the next message */

/* Makes room for N more recipients with OCTETS of envelope lines, which can then be added. False: there is none. */
bool recipients_reserve(struct recipients *r, size_t n, size_t octets);

bool recipients_known(const struct recipients *r, const struct address *rcpt);
/* DSN: the notices requested for RCPT. For a recipient that is there already the first request counts. */
enum recipients_result recipients_add(struct recipients *r, const struct address *rcpt, const struct dsn_rcpt *dsn);

#endif
