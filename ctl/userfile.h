/*
 * Edits the text of the account file in one place. All other lines stay as they are, even comments and broken lines.
 * Pure.
 */
#ifndef CTL_USERFILE_H
#define CTL_USERFILE_H

#include "common/base/str.h"

/*
 * Appends to *TO the TEXT with LINE (which ends in LF) in place of the first line of NAME, without the other lines of
 * NAME; LINE comes at the end when there was none. LINE empty: removes all lines of NAME. Returns how many lines had
 * the name, even broken ones.
 */
size_t userfile_edit(struct span text, struct span name, struct span line, struct str *to);

#endif
