/* Formats the texts of replies.def. Pure. */
#ifndef SMTPD_PROTOCOL_REPLIES_H
#define SMTPD_PROTOCOL_REPLIES_H

#include "common/base/str.h"

enum reply_id {
	REPLY_NONE, /* no reply: a check found nothing to refuse */
#define REPLY(name, code, enhanced, text) REPLY_##name,
#include "smtpd/protocol/replies.def"
	REPLY_ID_COUNT
};

/* Octets of an argument that are shown; the rest is left out (RFC 5321 4.5.3.1.5: 512 a line). */
enum { REPLIES_ARGUMENT_MAX = 384 };

int replies_code(enum reply_id id);

/* Whether the argument of reply ID is the name of a client rule. */
bool replies_name_rule(enum reply_id id);

/* Whether reply ID is what a filter wants. */
bool replies_of_filter(enum reply_id id);

/* Appends the reply with its CRLF. ENHANCED: with its enhanced status code. */
void replies_append(struct str *to, enum reply_id id, bool enhanced, struct span first, struct span second);

/* Appends one line of an EHLO reply: "250-KEYWORD" or, for the LAST line, "250 KEYWORD". */
void replies_append_keyword(struct str *to, struct span keyword, bool last);

#endif
