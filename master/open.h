/*
 * Opens a virtual server: listeners, folders, links. A missing folder keeps it closed. A missing listener does not
 * affect the others, and is tried again.
 */
#ifndef MASTER_OPEN_H
#define MASTER_OPEN_H

#include "master/server.h"

/* Tries to open; sets `open`, or `trouble` and the time of the next try. Trouble is logged once for each reason. */
void open_try(struct server *server, int64_t now_ms);

/*
 * Tries the missing listeners of an open server again; a new smtpd takes over those that open. Milliseconds until the
 * next try; -1 = none is missing.
 */
int64_t open_tend(struct server *server, int64_t now_ms);

#endif
