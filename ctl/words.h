/* What other processes send, in the language of the person: words, such as states, and texts (ctl/translate.h). */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include "common/base/span.h"

/* The translation of WORD; WORD itself, if it is not known. Valid until the eighth call after this one. */
const char *words_shown(const char *word);
struct span words_cell(struct span cell);

/*
 * What a host said, or why we did not send: CODE as it came, "0" or empty = it is our text. "550 5.1.1 TEXT", in TO of
 * SIZE octets or translated.
 */
struct span words_said(struct span code, struct span enhanced, struct span text, char *to, size_t size);

#endif
