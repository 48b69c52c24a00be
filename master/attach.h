/*
 * The links between the queue and its three helpers: made when both ends are ready, and made again when one end reports
 * that its link is lost. A process without such a link does not count as ready.
 */
#ifndef MASTER_ATTACH_H
#define MASTER_ATTACH_H

#include "master/server.h"

/* FRESH has become ready: gives it new links to the processes that it works with. */
void attach_ready(struct server *server, enum child_role fresh);

/* An end of LINK, which was passed on as SERIAL, is closed. Ignored if SERIAL is an older one. */
void attach_lost(struct server *server, uint64_t link, uint64_t serial);

/* Makes missing links, each at most once a second. Milliseconds until the next attempt; -1 = none is missing. */
int64_t attach_tend(struct server *server, int64_t now_ms);

/* ROLE and the other end of one of its links are ready, but the link is missing. */
bool attach_missing(const struct server *server, enum child_role role);

#endif
