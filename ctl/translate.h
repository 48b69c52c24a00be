/*
 * Texts that other processes composed, in the language of the person. Daemons write English only, and know no language:
 * mailrootctl finds the message with which a text was made, takes the arguments out of the text, and puts them into the
 * translation of the message. The messages are those that po/ja.po has of common/ and of the daemons.
 */
#ifndef CTL_TRANSLATE_H
#define CTL_TRANSLATE_H

#include "common/base/str.h"

enum { TRANSLATE_MAX = 8192 };

/*
 * TEXT in the language of the person; TEXT itself if no message made it. An argument may be a message, too, and so may
 * each clause before or behind "; ", ": " or " (". Replies of other hosts stay as they are. A translation has a NUL at
 * its end, and is valid until the eighth call after this one.
 */
struct span translate_text(struct span text);

/* The same, appended to TO. Where there is no translation, TEXT comes out as it went in. False: it did not fit. */
bool translate_append(struct span text, struct str *to);

/* The messages: English formats. For the test. */
extern const unsigned translate_count;
const char *translate_message(unsigned i);

/* The message that made TEXT; NULL = none. */
const char *translate_find(struct span text);

#endif
