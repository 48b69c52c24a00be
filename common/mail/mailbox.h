/*
 * Parses the addresses in a header field (RFC 5322 3.4 with its obsolete forms): display names, quoted strings, encoded
 * words, comments, folded lines, groups, source routes. Pure; one pass, no recursion, no memory.
 */
#ifndef COMMON_MAIL_MAILBOX_H
#define COMMON_MAIL_MAILBOX_H

#include "common/mail/address.h"

enum { MAILBOX_ROUTE_MAX = 1000 /* octets of an address with its source route */ };

struct mailbox {
	struct address address; /* in `text`; empty for "<>"; domain empty if there is none */
	const char *end;        /* in the list: right after the address, where a domain can be added */
	bool angle;             /* it was in angle brackets */
	struct span whole;      /* in the list: the whole entry, for messages, even of a bad one */
	char text[MAILBOX_ROUTE_MAX + 3];
};

enum mailbox_result {
	MAILBOX_END, /* no further address */
	MAILBOX_FOUND,
	MAILBOX_BAD /* out->whole is no address, and *why is the fault; the next one can be taken */
};

/*
 * Takes the next address off *list. BAD is anything that would need a guess: text that does not end (a comment, a
 * quotation, a group unless it is empty), control characters, several words without angle brackets.
 */
enum mailbox_result mailbox_next(struct span *list, struct mailbox *out, const char **why);

/*
 * The one address of LIST, the value of From or a similar field: the first one in angle brackets or with a domain,
 * because in "Acme, Inc. <billing@example.com>" the name lacks its quotes; else the first. False: *result says whether
 * there is none or it is bad, as mailbox_next does.
 */
bool mailbox_first(struct span list, struct mailbox *out, enum mailbox_result *result, const char **why);

#endif
