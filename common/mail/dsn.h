/*
 * The DSN parameters of a sender (RFC 3461): RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT. They keep their original
 * form in the envelope and towards the next host. Pure.
 */
#ifndef COMMON_MAIL_DSN_H
#define COMMON_MAIL_DSN_H

#include "common/base/span.h"

/*
 * When to notify the sender: a set of these. 0 = unspecified, which means failure and delay. NEVER excludes the others.
 */
enum dsn_notify { DSN_NEVER = 1 << 0, DSN_SUCCESS = 1 << 1, DSN_FAILURE = 1 << 2, DSN_DELAY = 1 << 3 };

/* How much of the message a notice of failure returns. */
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
	bool expanded;     /* an alias whose members are the recipients: only a notice of that is due */
};

/* Parse the values of the parameters. False: invalid. Words compare without case. */
bool dsn_parse_ret(struct span value, enum dsn_ret *out);
bool dsn_parse_notify(struct span value, unsigned *out);
/* xtext of printable US-ASCII; *out is the xtext itself. */
bool dsn_parse_envid(struct span value, struct span *out);
bool dsn_parse_orcpt(struct span value, struct span *out);

const char *dsn_ret_text(enum dsn_ret ret); /* "" when unspecified */
/* "" for 0; TO holds DSN_NOTIFY_TEXT_MAX octets. */
void dsn_notify_text(unsigned notify, char *to);

/* Whether NOTIFY asks for a notice of WHAT. */
bool dsn_wants(unsigned notify, enum dsn_notify what);

/* Encodes TEXT as xtext to TO of SIZE octets with a closing NUL. False: it does not fit, or TEXT is not printable. */
bool dsn_encode(struct span text, char *to, size_t size);

#endif
