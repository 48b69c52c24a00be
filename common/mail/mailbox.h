/*
 * The addresses in a header field (RFC 5322 3.4 with its obsolete forms): display names, quoted strings, encoded words,
 * comments, folded lines, groups, source routes. Pure; one pass, no recursion, no memory.
 */
#ifndef COMMON_MAIL_MAILBOX_H
#define COMMON_MAIL_MAILBOX_H

#include "common/mail/address.h"

enum { MAILBOX_ROUTE_MAX = 1000 /* octets of an address with its source route */ };

struct mailbox {
	struct address address; /* in `text`; empty for "<>"; without domain where there is none */
	const char *end;        /* in the list: right behind the address, where a domain can be added */
	char text[MAILBOX_ROUTE_MAX + 3];
};

enum mailbox_result {
	MAILBOX_END, /* no further address */
	MAILBOX_FOUND,
	MAILBOX_BAD /* *why says what is wrong; the rest of the list is given up */
};

/* Takes the next address off *list. */
enum mailbox_result mailbox_next(struct span *list, struct mailbox *out, const char **why);

#endif
