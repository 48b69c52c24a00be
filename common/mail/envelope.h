/*
 * The envelope lines at the head of a message file (mailroot-spool(5)): one "x-sender: ", one "x-receiver: " a
 * recipient, "x-mailroot-*: " for DSN parameters; then the message, beginning with our own "Received:". Pure. Written
 * with CRLF.
 *
 *	x-mailroot-ret: HDRS                      RET and ENVID of MAIL (dsn.h), anywhere
 *	x-mailroot-envid: QQ314159
 *	x-mailroot-hold: REASON                   the queue holds the message when it arrives; anywhere
 *	x-mailroot-foreign: yes                   of a client that is none of ours, so DKIM does not sign it; anywhere
 *	x-mailroot-notify: SUCCESS,FAILURE        NOTIFY and ORCPT of RCPT, after their x-receiver
 *	x-mailroot-orcpt: rfc822;Bob@example.com
 *	x-mailroot-expanded: yes                  an alias, after its x-receiver: its members are other recipients
 */
#ifndef COMMON_MAIL_ENVELOPE_H
#define COMMON_MAIL_ENVELOPE_H

#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/mail/address.h"
#include "common/mail/dsn.h"

enum {
	ENVELOPE_RCPT_MAX = 5000, /* recipients of one message; bound of the setting max_recipients */
	ENVELOPE_HOLD_MAX = 500,  /* octets of the reason why a message is held */
	ENVELOPE_MAX = 8 << 20    /* octets of all envelope lines: ENVELOPE_RCPT_MAX addresses of ADDRESS_MAX, each with
				   * NOTIFY and an ORCPT of DSN_ORCPT_MAX */
};

struct envelope {
	struct address sender;
	struct address *rcpts; /* in the arena */
	size_t rcpt_count;
	struct dsn_message dsn;
	struct span hold;           /* why the message is held: printable ASCII; empty = it is not */
	bool foreign;               /* the client was none of ours; false where no domain has DKIM keys */
	struct dsn_rcpt *dsn_rcpts; /* one for each recipient, in the arena; NULL = no DSN parameters */
	size_t body_at;             /* offset of the message proper in the file */
};

enum envelope_result {
	ENVELOPE_OK,
	ENVELOPE_MORE, /* the lines continue after TEXT: read more of the file */
	ENVELOPE_BAD   /* *why has the fault */
};

/*
 * Parses the head of a message file. TEXT starts at offset 0 of the file; WHOLE: it is the whole file. The addresses
 * point into TEXT, which must outlive *out.
 */
enum envelope_result envelope_parse(struct span text, bool whole, struct arena *arena, struct envelope *out,
				    const char **why);

/* Write one line each, names in lower case. A value that is too long, or not printable ASCII, sets to->failed. */
void envelope_write_sender(struct str *to, struct span sender); /* empty = null sender, written "<>" */
void envelope_write_rcpt(struct str *to, struct span rcpt);

/* Writes the lines for the specified parameters. Those of a recipient come after its x-receiver. */
void envelope_write_dsn(struct str *to, const struct dsn_message *dsn);
void envelope_write_dsn_rcpt(struct str *to, const struct dsn_rcpt *dsn);

/* Any REASON: it is cleaned, cut to ENVELOPE_HOLD_MAX, and replaced by one of ours if nothing is left. */
void envelope_write_hold(struct str *to, struct span reason);

void envelope_write_foreign(struct str *to);

/* Whether a field NAME, as the first one of a message, would be taken for an envelope line. */
bool envelope_has_name(struct span name);

/* NOTIFY of recipient RCPT; 0 = unspecified. */
static inline unsigned envelope_notify(const struct envelope *envelope, size_t rcpt)
{
	return envelope->dsn_rcpts ? envelope->dsn_rcpts[rcpt].notify : 0;
}

/* Whether RCPT is an alias, which gets no mail itself. */
static inline bool envelope_expanded(const struct envelope *envelope, size_t rcpt)
{
	return envelope->dsn_rcpts && envelope->dsn_rcpts[rcpt].expanded;
}

#endif
