/*
 * Landlock: which folders this process may still touch, however it comes to run foreign code. Own definitions, because
 * the kernel may be newer than its headers. Not a shield against what is open already.
 */
#ifndef COMMON_PROCESS_LANDLOCK_H
#define COMMON_PROCESS_LANDLOCK_H

#include <stdint.h>

/*
 * A rule set that allows PATHS (read, write, create, rename, remove files beneath; or a single file: read, write),
 * READABLE (files to read, or folders: to list, and read what is beneath) and nothing else of the file system, no
 * signal and no abstract socket of strangers. NULL = no path at all. The paths are opened now, so before a chroot. A
 * descriptor; -ENOSYS where there is no Landlock; or -errno with *bad = the path that can't be opened, or NULL.
 */
int landlock_prepare(const char *const *paths, const char *const *readable, const char **bad);

/* For good. Needs no_new_privs. Closes RULES. 0 or -1 with errno. */
int landlock_enter(int rules);

#endif
