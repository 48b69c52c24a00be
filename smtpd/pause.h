/*
 * How many workers wait before the greeting (greet_pause). A waiting worker serves no other client, so only a quarter
 * of them do; further clients are greeted at once. The scoreboard has the count: a worker that dies leaves none behind.
 */
#ifndef SMTPD_PAUSE_H
#define SMTPD_PAUSE_H

#include "common/process/prefork.h"

/* Worker of SLOT: from now on it waits, for `mailrootctl sessions` too. False: enough others do, and it does not. */
bool pause_begin(struct prefork *pool, size_t slot);

/* How many of MAX workers may wait. Pure. */
size_t pause_share(size_t max);

#endif
