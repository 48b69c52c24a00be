/*
 * The resolver watches its name servers. When a look-up had no answer, it sends each server a small query, and finds
 * out which servers do not answer, for the log and `mailrootctl status`. It repeats this every few seconds until all
 * servers answer. Servers that the configuration names are also checked at the start: their addresses may be wrong.
 */
#ifndef DELIVERY_RESOLVER_WATCH_H
#define DELIVERY_RESOLVER_WATCH_H

#include "common/config/types.h"
#include "common/net/nameserver.h"

struct watch {
	struct nameservers servers;
	struct config_origin origin; /* of the setting that names them, borrowed; no file = resolv.conf names them */
	bool asking, trouble;
	int64_t next_ms, asked_ms; /* clock_mono_ms; next INT64_MAX = no check is due */
};

/* WRITTEN: the setting dns_server, which may be empty. */
void watch_init(struct watch *w, const struct nameservers *servers, const struct config_endpoints *written);
void watch_free(struct watch *w);

/* A look-up had no answer: the next check is due. */
void watch_doubt(struct watch *w);

/* As nameservers_poll, nameservers_until and nameservers_tend. watch_tend is true when a check has ended. */
size_t watch_poll(const struct watch *w, struct pollfd *to);
int watch_until(const struct watch *w);
bool watch_tend(struct watch *w);

/* Appends a line for each name server that the last check found silent. */
void watch_describe(const struct watch *w, struct str *to);

#endif
