/*
 * The recipients of the current message as envelope lines, without duplicates: the lines and an index of them.
 * ENVELOPE_RCPT_MAX and the caller's limit bound them. A search takes constant time, or at worst, with collisions, one
 * comparison for each recipient. The index also says which recipients the client has named, and of which aliases the
 * others are members: a filter that removes an alias removes those.
 */
#ifndef SMTPD_ACCEPT_RECIPIENTS_H
#define SMTPD_ACCEPT_RECIPIENTS_H

#include "common/base/arena.h"
#include "common/mail/envelope.h"

struct recipients_slot;
struct recipients_alias;
struct recipients_membership;

struct recipients {
	struct str lines;              /* "x-receiver: ..." CRLF, in the order of RCPT */
	struct recipients_slot *slots; /* in the arena; open addressing, at most half full */
	size_t slot_count;
	size_t count;
	struct recipients_alias *aliases;     /* that have members here; in the arena */
	struct recipients_membership *spares; /* room for the next members; in the arena */
	size_t spare_count;
	struct arena arena;
};

enum recipients_result { RECIPIENTS_ADDED, RECIPIENTS_KNOWN, RECIPIENTS_NO_MEMORY };

void recipients_init(struct recipients *r);
void recipients_free(struct recipients *r);
void recipients_reset(struct recipients *r); /* keeps a little memory for the next message */

/*
 * Makes room for N more recipients with OCTETS of envelope lines, which can then be added, and for MEMBERS of an alias.
 * False: there is none.
 */
bool recipients_reserve(struct recipients *r, size_t n, size_t octets, size_t members);

bool recipients_known(const struct recipients *r, const struct address *rcpt);
/* DSN: the notices requested for RCPT. For a recipient that is there already the first request counts. */
enum recipients_result recipients_add(struct recipients *r, const struct address *rcpt, const struct dsn_rcpt *dsn);

/* The alias NAME, whose members follow; copied. NULL: no memory. */
struct recipients_alias *recipients_alias(struct recipients *r, const struct address *name);
/* The same for RCPT as a member of ALIAS, after recipients_reserve. */
enum recipients_result recipients_add_member(struct recipients *r, const struct recipients_alias *alias,
					     const struct address *rcpt, const struct dsn_rcpt *dsn);

/* RCPT is now more than a member: a filter has named it. Harmless for others than recipients. */
void recipients_name(struct recipients *r, const struct address *rcpt);

/* Adds the aliases that RCPT is a member of to TO. False: no memory. */
bool recipients_add_aliases(const struct recipients *r, const struct address *rcpt, struct recipients *to);

/* Whether RCPT is a recipient only as a member of aliases, all of which GONE has. */
bool recipients_only_by(const struct recipients *r, const struct address *rcpt, const struct recipients *gone);

#endif
