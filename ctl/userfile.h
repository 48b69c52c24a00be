/*
 * The account file as it is kept: read, changed in one place, and replaced as a whole, so that whoever reads it sees
 * the one before or the one after. Two who change it at the same time wait for each other. All lines that are not meant
 * stay as they are, comments and broken ones too.
 */
#ifndef CTL_USERFILE_H
#define CTL_USERFILE_H

#include "common/base/str.h"

/*
 * TEXT at *TO with LINE (which ends in LF) in the place of the first line of NAME, the other lines of NAME left out;
 * at the end when there was none. LINE empty: without all lines of NAME. How many lines had the name, whatever else
 * stands in them. Pure.
 */
size_t userfile_edit(struct span text, struct span name, struct span line, struct str *to);

/* Appends what stands in FILE. 0 or -errno. */
__attribute__((warn_unused_result)) int userfile_read(const char *file, struct str *to);

/*
 * Replaces FILE by what CHANGE makes of it, under the lock. CHANGE returns false to leave it as it is (that is 0 too).
 * A file that is missing is made, unless MUST_EXIST. The new one has mode 0600 and the owner of the old one or, as
 * root, of its folder. 0 or -errno: -ELOOP for a symbolic link, -EMEDIUMTYPE for what is no regular file.
 */
struct userfile_change {
	bool (*change)(void *context, struct span text, struct str *to);
	void *context;
	bool must_exist;
};
__attribute__((warn_unused_result)) int userfile_replace(const char *file, const struct userfile_change *how);

#endif
