/* The texts of replies.def as octets on the wire. Pure. */
#ifndef SMTPD_PROTOCOL_REPLIES_H
#define SMTPD_PROTOCOL_REPLIES_H

#include "common/base/str.h"

enum reply_id {
	REPLY_NONE, /* nothing to say: what a check returns that refuses nothing */
#define REPLY(name, code, enhanced, text) REPLY_##name,
#include "smtpd/protocol/replies.def"
	REPLY_ID_COUNT
};

/* The longest argument that is shown whole; the rest of a longer one is left out (RFC 5321 4.5.3.1.5: 512 a line). */
enum { REPLIES_ARGUMENT_MAX = 384 };

int replies_code(enum reply_id id);

/* Appends the reply with its CRLF; ENHANCED says whether enhanced status codes are wanted. */
void replies_append(struct str *to, enum reply_id id, bool enhanced, struct span first, struct span second);

/* "250-KEYWORD" or, for the LAST line, "250 KEYWORD", as one line of an EHLO reply. */
void replies_append_keyword(struct str *to, struct span keyword, bool last);

#endif
