/*
 * Landlock: restricts the folders that this process may access, even if it runs foreign code. Has its own definitions,
 * because the kernel may be newer than its headers. Files that are open already are not restricted.
 */
#ifndef COMMON_PROCESS_LANDLOCK_H
#define COMMON_PROCESS_LANDLOCK_H

#include <stdint.h>

/*
 * Makes a rule set that allows PATHS (read, write, create, rename, remove files beneath; or a single file: read,
 * write), READABLE (files to read, or folders to list and read beneath), and nothing else of the file system, no
 * signals and no abstract sockets of other processes. NULL = no paths. Opens the paths now, so before a chroot. Returns
 * a descriptor; -ENOSYS without Landlock; or -errno with *bad = the path that can't be opened, or NULL.
 */
int landlock_prepare(const char *const *paths, const char *const *readable, const char **bad);

/* Applies RULES irrevocably, and closes it. Needs no_new_privs. 0 or -1 with errno. */
int landlock_enter(int rules);

#endif
