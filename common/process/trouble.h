/*
 * What an administrator should mend for this process. Master hears it when it changes, for `mailrootctl status`; the
 * log gets it then, and again once a day.
 */
#ifndef COMMON_PROCESS_TROUBLE_H
#define COMMON_PROCESS_TROUBLE_H

#include <stdint.h>

#include "common/base/str.h"

enum { TROUBLE_MAX = 256 * 1024 }; /* octets; what has no room is cut */

struct trouble {
	struct str told; /* last */
	int64_t logged_s;
};

void trouble_init(struct trouble *t);
void trouble_free(struct trouble *t);

/* TEXT has one thing a line and takes the place of what was told before; empty = nothing any more. NOW_S: wall clock.
 */
void trouble_tell(struct trouble *t, struct span text, int64_t now_s);

#endif
