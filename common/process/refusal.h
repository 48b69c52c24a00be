/*
 * Why the service may not write somewhere, in words. Under systemd most of the file system is read-only for it,
 * whatever owner and mode say, and the error alone ("No such file or directory", "Read-only file system") misleads.
 */
#ifndef COMMON_PROCESS_REFUSAL_H
#define COMMON_PROCESS_REFUSAL_H

#include <stddef.h>

/*
 * ERR (an errno) of making, opening or writing PATH, in words to TO of SIZE octets, which is returned. What says
 * besides that the place is read-only, and what to do, is looked up, not guessed: the folder that is there, nearest to
 * PATH, lies on a mount that is read-only for this process. Whether the unit or the disk is the reason can be said only
 * outside of a jail, where /proc can be read.
 */
const char *refusal_text(int err, const char *path, char *to, size_t size);

#endif
