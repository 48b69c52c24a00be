/* A new password: asked for, and made ready to be stored. Never shown, never an argument. */
#ifndef CTL_NEWPASSWORD_H
#define CTL_NEWPASSWORD_H

#include <stdbool.h>

#include "common/base/span.h"

enum {
	NEWPASSWORD_MAX = 128, /* octets; far more than anybody types, and less than any client's line */
	NEWPASSWORD_SHORT = 8, /* characters; below there is a warning */
};

/*
 * TYPED as it is stored and compared (RFC 4013), at TO. False with *WHY, which shows nothing of it. *SHORTER: it has
 * less than NEWPASSWORD_SHORT characters. Pure.
 */
bool newpassword_prepare(struct span typed, char to[NEWPASSWORD_MAX + 1], bool *shorter, const char **why);

/*
 * Asks twice without echo on a terminal, takes one line of standard input elsewhere. NAME: whose. False: the reason was
 * told. The caller wipes TO.
 */
bool newpassword_read(const char *name, char to[NEWPASSWORD_MAX + 1]);

#endif
