/*
 * The resolver's eye on its name servers: when a look-up had no answer it asks each server a small question, and tells
 * master which of them do not answer, for the log and `mailrootctl status`; again every few seconds, until all do.
 * Servers that the configuration names are asked at the start, too: their addresses may be wrong.
 */
#ifndef DELIVERY_RESOLVER_WATCH_H
#define DELIVERY_RESOLVER_WATCH_H

#include "common/net/nameserver.h"
#include "common/process/trouble.h"

struct watch {
	struct nameservers servers;
	struct config_origin origin; /* of the setting that names them, borrowed; no file: resolv.conf does */
	struct trouble told;
	bool asking, trouble;
	int64_t next_ms, asked_ms; /* clock_mono_ms; next INT64_MAX = nobody doubts them */
};

/* WRITTEN: the setting, which may be empty. */
void watch_init(struct watch *w, const struct nameservers *servers, const struct config_endpoints *written);
void watch_free(struct watch *w);

/* A look-up had no answer. */
void watch_doubt(struct watch *w);

/* As nameservers_poll and nameservers_until; then watch_tend. */
size_t watch_poll(const struct watch *w, struct pollfd *to);
int watch_until(const struct watch *w);
void watch_tend(struct watch *w);

#endif
