/*
 * Problems of this process that an administrator should solve. Changes are reported to master, for `mailrootctl
 * status`, and logged; the log repeats them once a day.
 */
#ifndef COMMON_PROCESS_TROUBLE_H
#define COMMON_PROCESS_TROUBLE_H

#include <stdint.h>

#include "common/base/str.h"

enum { TROUBLE_MAX = 256 * 1024 }; /* octets; a longer text is cut */

struct trouble {
	struct str told; /* the last report */
	int64_t logged_s;
};

void trouble_init(struct trouble *t);
void trouble_free(struct trouble *t);

/* TEXT has one problem a line and replaces the last report; empty = none. NOW_S: wall clock. */
void trouble_tell(struct trouble *t, struct span text, int64_t now_s);

#endif
