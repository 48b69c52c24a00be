/* One row of a transaction log of an SMTP server: a command of a client and the reply to it. Pure. */
#ifndef CTL_REPLAY_ROW_H
#define CTL_REPLAY_ROW_H

#include "common/mail/address.h"
#include "common/mail/cidr.h"

enum { ROW_NO_TIME = -1, ROW_NO_OCTETS = -1 };

struct row {
	int64_t time_s; /* the clock of the log, read as if it were UTC; ROW_NO_TIME = not logged */
	struct ipaddr client;
	uint64_t session; /* 0 = not logged: the sessions of a client can't be told apart */
	bool outbound;    /* a connection of the server to another host */
	struct span name; /* in HELO; empty = none yet */
	struct span verb; /* as written, "MAIL FROM" too; empty = none */
	struct span rest; /* the argument; empty = none, or not logged */
	bool plus;        /* a blank in `rest` is written as + */
	unsigned status;  /* the reply; 0 = none */
	int64_t octets;   /* that the client sent; ROW_NO_OCTETS = not logged */
};

/* Whether the verb of ROW is VERB, in any case. */
bool row_is(const struct row *row, const char *verb);

/*
 * The address in the argument of MAIL or RCPT, which begins with WORD ("FROM:", "TO:") or, in some logs, with the
 * address. False with a phrase in *why: there is none. The spans point into the row.
 */
bool row_address(const struct row *row, const char *word, struct address *out, const char **why);

/* A value of a log: empty for "-". */
struct span row_value(struct span text);

#endif
