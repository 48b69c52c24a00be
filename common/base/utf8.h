/* UTF-8 in untrusted text. Pure. */
#ifndef COMMON_BASE_UTF8_H
#define COMMON_BASE_UTF8_H

#include <stdbool.h>

#include "common/base/span.h"

enum { UTF8_MAX = 4 }; /* octets of a sequence */

/*
 * Length in octets of the sequence at the start of TEXT, 0 = invalid: an overlong form, a surrogate, or above 10FFFF.
 */
size_t utf8_length(struct span text);

/* A text in pieces, which may be split within a sequence. Zero it before the first piece. */
struct utf8_pieces {
	char torn[UTF8_MAX];
	size_t len;
};

/*
 * Passes the complete sequences of PIECE to WRITE, and keeps the rest. An empty PIECE is the end and passes on the
 * rest, too.
 */
void utf8_take(struct utf8_pieces *pieces, struct span piece, void (*write)(void *context, struct span text),
	       void *context);

/*
 * Whether the multi-octet sequence at the start of TEXT is a control character (C1), or changes the direction in which
 * text is shown.
 */
bool utf8_commands(struct span text);

/* Columns that TEXT takes on a terminal, where the letters of East Asia take two. Invalid octets take one each. */
size_t utf8_columns(struct span text);

/* The start of TEXT that stays on one line: up to a blank, or to the end, or with a comma or a full stop of Japanese.
 */
struct span utf8_piece(struct span text);

/*
 * Copies TEXT with a NUL, cut if it is longer than SIZE (1 or more): printable ASCII and printable sequences as they
 * are, and every other octet as "\xNN". Returns the length.
 */
size_t utf8_clean(struct span text, char *to, size_t size);

#endif
