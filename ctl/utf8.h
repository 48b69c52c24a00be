/* UTF-8 in texts of strangers. Pure. */
#ifndef CTL_UTF8_H
#define CTL_UTF8_H

#include <stdbool.h>

#include "common/base/span.h"

enum { UTF8_MAX = 4 }; /* octets of a sequence */

/* Octets of the sequence at the start of TEXT, 0 = none: no overlong form, no surrogate, nothing above 10FFFF. */
size_t utf8_length(struct span text);

/* A text that comes in pieces, which may break off inside a sequence. Zeroed before the first. */
struct utf8_pieces {
	char torn[UTF8_MAX];
	size_t len;
};

/* Gives WRITE what is whole of the next PIECE, and keeps the rest; an empty piece is the end and gives that, too. */
void utf8_take(struct utf8_pieces *pieces, struct span piece, void (*write)(void *context, struct span text),
	       void *context);

/* Whether the sequence of several octets at the start of TEXT commands a terminal instead of being shown (C1), or
 * changes the order in which what follows is shown. */
bool utf8_commands(struct span text);

#endif
