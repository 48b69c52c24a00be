/*
 * Explains why the service may not write somewhere. Under systemd most of the file system is read-only for it, whatever
 * owner and mode say, and the error alone ("No such file or directory", "Read-only file system") misleads.
 * A profile of AppArmor refuses, too.
 */
#ifndef COMMON_PROCESS_REFUSAL_H
#define COMMON_PROCESS_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/span.h"

/*
 * Writes the text for ERR (an errno) of creating, opening or writing PATH to TO of SIZE octets, and returns it. Checks
 * whether the nearest existing folder of PATH is on a mount that is read-only for this process, and then adds the
 * remedy. Only outside of a jail, where /proc can be read, it can tell whether the unit or the disk is the reason.
 */
const char *refusal_text(int err, const char *path, char *to, size_t size);

/* Whether LABEL, the text of /proc/self/attr/current, says that AppArmor confines the process. Pure. */
bool refusal_confines(struct span label);

#endif
