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
	bool angle;             /* it stood in angle brackets */
	struct span whole;      /* in the list: all of the entry, for messages; of a bad one, too */
	char text[MAILBOX_ROUTE_MAX + 3];
};

enum mailbox_result {
	MAILBOX_END, /* no further address */
	MAILBOX_FOUND,
	MAILBOX_BAD /* out->whole is no address, *why says why; the next one can be taken */
};

/*
 * Takes the next address off *list. Bad is whatever would have to be guessed: text that does not end (a comment, a
 * quotation, a group but an empty one), control characters, several words without angle brackets.
 */
enum mailbox_result mailbox_next(struct span *list, struct mailbox *out, const char **why);

/*
 * The address that LIST, the value of From or the like, means: the first one in angle brackets or with a domain, for
 * in "Acme, Inc. <billing@example.com>" a name lacks its quotes; else the first. False: *result says whether there is
 * none or it is bad, as mailbox_next does.
 */
bool mailbox_first(struct span list, struct mailbox *out, enum mailbox_result *result, const char **why);

#endif
