/*
 * The recipients of the message in hand as envelope lines, each once: the lines themselves and an index over them.
 * Bounded by ENVELOPE_RCPT_MAX and by what the caller allows; looking for a double costs the same whatever a client
 * sends but at the price of a collision, at worst one comparison a recipient.
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

bool recipients_known(const struct recipients *r, const struct address *rcpt);
/* DSN: what was asked of notices for it; of one that is known already the first counts. */
enum recipients_result recipients_add(struct recipients *r, const struct address *rcpt, const struct dsn_rcpt *dsn);

#endif
