/*
 * The links between the queue and its three helpers: made when both ends are ready, and made anew when one of the ends
 * says that it has lost its own. A process without such a link is not ready, whatever else it can do.
 */
#ifndef MASTER_ATTACH_H
#define MASTER_ATTACH_H

#include "master/server.h"

/* FRESH has become ready: new links to everybody it works with. */
void attach_ready(struct server *server, enum child_role fresh);

/* An end of LINK, which was handed out as SERIAL, is closed. That of an older one is no news. */
void attach_lost(struct server *server, uint64_t link, uint64_t serial);

/* Makes what is missing, each at most once a second. Milliseconds until the next attempt; -1 = nothing is missing. */
int64_t attach_tend(struct server *server, int64_t now_ms);

/* ROLE and the other end of one of its links are ready, but the link is not there. */
bool attach_missing(const struct server *server, enum child_role role);

#endif
