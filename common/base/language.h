/*
 * Messages to people in the language of their locale. The English text is the key; po/ has the other languages. Only
 * programs that call language_init translate: in all others, and so in every log, the texts stay English. mailrootctl
 * translates the texts of daemons when it shows them (ctl/translate.h).
 */
#ifndef COMMON_BASE_LANGUAGE_H
#define COMMON_BASE_LANGUAGE_H

#include <libintl.h>
#include <stdbool.h>

/* The translation of a literal. One whole message each: words stand in another order in another language. */
#define _(text) gettext(text)

/* Marks a literal of a table, which the code that shows it translates by _(), or the text of a daemon. */
#define N_(text) text

/*
 * Chooses the language by LC_ALL, LC_MESSAGES or LANG. English if the locale is not in UTF-8, or the system does not
 * have it.
 */
void language_init(void);

/* Back to English: for output that programs read. */
void language_english(void);

/* Whether messages are in another language, which also means that the terminal takes UTF-8. */
bool language_foreign(void);

#endif
