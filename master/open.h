/*
 * Opening a virtual server: listeners, folders, links. A folder that is missing keeps it closed. A listener that is
 * missing keeps away nothing but itself, and is tried again.
 */
#ifndef MASTER_OPEN_H
#define MASTER_OPEN_H

#include "master/server.h"

/* Tries to open; sets `open`, or `trouble` and when to try again. Trouble is logged once for each reason. */
void open_try(struct server *server, int64_t now_ms);

/* Tries listeners of an open server again that are missing; a new smtpd takes what has come. Milliseconds until the
 * next attempt; -1 = none is missing. */
int64_t open_tend(struct server *server, int64_t now_ms);

#endif
