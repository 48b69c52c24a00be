/*
 * Where mail goes, and how much of it: what of the configuration concerns a local program. A user who may not read the
 * file needs none of it but mailroot_dir, and that only where it is not the usual one; the limits are checked by
 * whoever takes the message, too.
 */
#ifndef SENDMAIL_PLACE_H
#define SENDMAIL_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "sendmail/failure.h"

struct place {
	char folder[PATH_MAX];
	bool off; /* the configuration says that no mail of local programs is taken */
	char host[256];
	uint64_t message_octets; /* UINT64_MAX = not known or no limit */
	uint64_t free_floor;     /* 0 = not known */
};

/*
 * From FILE, NULL for the usual one, which need not be there or be readable for this user. Syntax errors are nobody's
 * business here. False: a FILE that was named can't be read, or the usual one can't be read now (memory, descriptors, a
 * disk), so that nobody knows whose folder the usual place would be.
 */
bool place_find(const char *file, struct place *out, struct failure *failure);

#endif
