/*
 * The envelope lines at the head of a message file (mailroot-spool(5)): one "x-sender: ", one "x-receiver: " a
 * recipient, "x-mailroot-*: " for what is rare; then the message, from our own "Received:" on. Pure. Written with CRLF.
 *
 *	x-mailroot-ret: HDRS                      RET and ENVID of MAIL (dsn.h), anywhere
 *	x-mailroot-envid: QQ314159
 *	x-mailroot-notify: SUCCESS,FAILURE        NOTIFY and ORCPT of RCPT, behind the x-receiver that they belong to
 *	x-mailroot-orcpt: rfc822;Bob@example.com
 */
#ifndef COMMON_MAIL_ENVELOPE_H
#define COMMON_MAIL_ENVELOPE_H

#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/mail/address.h"
#include "common/mail/dsn.h"

enum {
	ENVELOPE_RCPT_MAX = 5000, /* recipients of one message; bound of the setting max_recipients */
	ENVELOPE_MAX = 8 << 20    /* octets of all envelope lines: ENVELOPE_RCPT_MAX addresses of ADDRESS_MAX, each with
				   * NOTIFY and an ORCPT of DSN_ORCPT_MAX */
};

struct envelope {
	struct address sender;
	struct address *rcpts; /* in the arena */
	size_t rcpt_count;
	struct dsn_message dsn;
	struct dsn_rcpt *dsn_rcpts; /* one for each recipient, in the arena; NULL = nobody asked for anything */
	size_t body_at;             /* offset of the message proper in the file */
};

enum envelope_result {
	ENVELOPE_OK,
	ENVELOPE_MORE, /* the lines go on after TEXT: give more of the file */
	ENVELOPE_BAD   /* *why says what is wrong */
};

/*
 * Parses the head of a message file. TEXT starts at offset 0 of the file; WHOLE says that it is all of it. The
 * addresses point into TEXT, which must outlive *out.
 */
enum envelope_result envelope_parse(struct span text, bool whole, struct arena *arena, struct envelope *out,
				    const char **why);

/* One line each, names in lower case. A value with anything but printable ASCII, or too long, sets to->failed. */
void envelope_write_sender(struct str *to, struct span sender); /* empty = null sender, written "<>" */
void envelope_write_rcpt(struct str *to, struct span rcpt);

/* The lines for what was asked for, none for what was not. That of a recipient comes behind his own. */
void envelope_write_dsn(struct str *to, const struct dsn_message *dsn);
void envelope_write_dsn_rcpt(struct str *to, const struct dsn_rcpt *dsn);

/* NOTIFY of recipient RCPT; 0 = nothing said. */
static inline unsigned envelope_notify(const struct envelope *envelope, size_t rcpt)
{
	return envelope->dsn_rcpts ? envelope->dsn_rcpts[rcpt].notify : 0;
}

#endif
