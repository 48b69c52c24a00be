/* Asks for a new password and prepares it for storage. It is never shown, and never an argument. */
#ifndef CTL_NEWPASSWORD_H
#define CTL_NEWPASSWORD_H

#include <stdbool.h>

#include "common/base/span.h"

enum {
	NEWPASSWORD_MAX = 128, /* octets; less than the line limit of any client */
	NEWPASSWORD_SHORT = 8, /* characters; a shorter password causes a warning */
};

/*
 * Prepares TYPED for storage and comparison (RFC 4013), at TO. False with *WHY, which does not reveal it. *SHORTER: it
 * has less than NEWPASSWORD_SHORT characters. Pure.
 */
bool newpassword_prepare(struct span typed, char to[NEWPASSWORD_MAX + 1], bool *shorter, const char **why);

/*
 * On a terminal asks twice without echo; otherwise reads one line of standard input. NAME: the user's. On false the
 * reason was printed. The caller wipes TO.
 */
bool newpassword_read(const char *name, char to[NEWPASSWORD_MAX + 1]);

#endif
