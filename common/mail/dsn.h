/*
 * What a sender may ask of notices (RFC 3461): the parameters RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT. They
 * keep the form in which they came, in the envelope and on the way to the next host. Pure.
 */
#ifndef COMMON_MAIL_DSN_H
#define COMMON_MAIL_DSN_H

#include "common/base/span.h"

/* When to tell the sender: a set of these. 0 = he did not say, which means failure and delay. NEVER stands alone. */
enum dsn_notify { DSN_NEVER = 1 << 0, DSN_SUCCESS = 1 << 1, DSN_FAILURE = 1 << 2, DSN_DELAY = 1 << 3 };

/* How much of the message comes back with a notice of failure. */
enum dsn_ret { DSN_RET_UNSAID, DSN_RET_HDRS, DSN_RET_FULL };

enum {
	DSN_ENVID_MAX = 100, /* RFC 3461 4.4 */
	DSN_ORCPT_MAX = 500, /* RFC 3461 4.2 */
	DSN_NOTIFY_TEXT_MAX = sizeof("SUCCESS,FAILURE,DELAY")
};

struct dsn_message {
	enum dsn_ret ret;
	struct span envid; /* xtext; empty = none */
};

struct dsn_rcpt {
	unsigned notify;   /* enum dsn_notify */
	struct span orcpt; /* type;xtext; empty = none */
};

/* Values of the parameters. False: it is none. Words compare without case. */
bool dsn_parse_ret(struct span value, enum dsn_ret *out);
bool dsn_parse_notify(struct span value, unsigned *out);
/* xtext of printable US-ASCII; the span itself is what is kept. */
bool dsn_parse_envid(struct span value, struct span *out);
bool dsn_parse_orcpt(struct span value, struct span *out);

const char *dsn_ret_text(enum dsn_ret ret); /* "" when unsaid */
/* "" for 0; TO holds DSN_NOTIFY_TEXT_MAX octets. */
void dsn_notify_text(unsigned notify, char *to);

/* Whether NOTIFY asks for a notice of WHAT. */
bool dsn_wants(unsigned notify, enum dsn_notify what);

/*
 * What XTEXT that was parsed stands for, with a closing NUL, into TO, which holds XTEXT.len + 1 octets. It is printable
 * US-ASCII. Returns its length.
 */
size_t dsn_decode(struct span xtext, char *to);

/* The xtext of TEXT at TO of SIZE octets with a closing NUL: false when it does not fit or TEXT is not printable. */
bool dsn_encode(struct span text, char *to, size_t size);

#endif
