/*
 * Changes a file of the administrator: reads it, and replaces it as a whole, so that a reader sees either the old or
 * the new file. Two writers wait for each other.
 */
#ifndef CTL_REPLACE_H
#define CTL_REPLACE_H

#include "common/base/str.h"

enum { REPLACE_TEXT_MAX = 64 * 1024 * 1024 };

/* Appends the contents of FILE. 0 or -errno. */
__attribute__((warn_unused_result)) int replace_read(const char *file, struct str *to);

/*
 * Replaces FILE by the result of CHANGE, under the lock. CHANGE returns false to leave it as it is (result 0, too). A
 * missing file is created, unless MUST_EXIST. The new file has mode 0600, or with KEEP_MODE that of the old one, and
 * the owner of the old one or, as root, of its folder. 0 or -errno: -ELOOP for a symbolic link, -EMEDIUMTYPE for
 * anything but a regular file.
 */
struct replace_how {
	bool (*change)(void *context, struct span text, struct str *to);
	void *context;
	bool must_exist;
	bool keep_mode;
};
__attribute__((warn_unused_result)) int replace_file(const char *file, const struct replace_how *how);

#endif
