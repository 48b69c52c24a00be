/* Words that other processes send, such as states, in the language of the person. */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include "common/base/span.h"

/* The translation of WORD; WORD itself, if it is not one of the known words. */
const char *words_shown(const char *word);
struct span words_cell(struct span cell);

enum { WORDS_MAX = 4096 };

/* Translates what a refused access token means (common/mail/causes.def) inside of TEXT, into TO of WORDS_MAX if need
 * be. */
struct span words_cause(struct span text, char *to);

#endif
