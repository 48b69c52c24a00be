/*
 * The settings of the configuration that matter to a local program: the folder for mail, and its limits. A user who
 * can't read the file needs only mailroot_dir, and only where it is not the default. The pickup process checks the
 * limits, too.
 */
#ifndef SENDMAIL_PLACE_H
#define SENDMAIL_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "sendmail/failure.h"

struct place {
	char folder[PATH_MAX];
	bool off; /* the configuration disables mail of local programs */
	char host[256];
	uint64_t message_octets; /* UINT64_MAX = unknown or no limit */
	uint64_t free_floor;     /* 0 = unknown */
};

/*
 * Reads FILE, or if NULL the default file, which may be missing or unreadable for this user. Syntax errors are ignored.
 * False: a named FILE can't be read, or the default file can't be read now (memory, descriptors, a disk), so the folder
 * is unknown.
 */
bool place_find(const char *file, struct place *out, struct failure *failure);

#endif
