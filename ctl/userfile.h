/*
 * Changes the account file: reads it, edits it in one place and replaces it as a whole, so that a reader sees either
 * the old or the new file. Two writers wait for each other. All other lines stay as they are, even comments and broken
 * lines.
 */
#ifndef CTL_USERFILE_H
#define CTL_USERFILE_H

#include "common/base/str.h"

/*
 * Appends to *TO the TEXT with LINE (which ends in LF) in place of the first line of NAME, without the other lines of
 * NAME; LINE comes at the end when there was none. LINE empty: removes all lines of NAME. Returns how many lines had
 * the name, even broken ones. Pure.
 */
size_t userfile_edit(struct span text, struct span name, struct span line, struct str *to);

/* Appends the contents of FILE. 0 or -errno. */
__attribute__((warn_unused_result)) int userfile_read(const char *file, struct str *to);

/*
 * Replaces FILE by the result of CHANGE, under the lock. CHANGE returns false to leave it as it is (result 0, too). A
 * missing file is created, unless MUST_EXIST. The new file has mode 0600 and the owner of the old one or, as root, of
 * its folder. 0 or -errno: -ELOOP for a symbolic link, -EMEDIUMTYPE for anything but a regular file.
 */
struct userfile_change {
	bool (*change)(void *context, struct span text, struct str *to);
	void *context;
	bool must_exist;
};
__attribute__((warn_unused_result)) int userfile_replace(const char *file, const struct userfile_change *how);

#endif
