/*
 * Ends connections that last too long: a client that sends a request octet by octet would otherwise hold a descriptor
 * for hours. A connection ends after one reply, so one that lasts has not finished its request, or does not read.
 */
#ifndef CTL_EXPORTER_SLOW_H
#define CTL_EXPORTER_SLOW_H

#include <stdint.h>
#include <sys/socket.h>

enum { SLOW_AFTER_MS = 10000, SLOW_EVERY_MS = 1000, SLOW_FDS = 64 };

/* By descriptor: whose connection it is, and since when it has been seen. */
struct slow {
	struct sockaddr_storage peers[SLOW_FDS];
	int64_t since_ms[SLOW_FDS]; /* 0 = none */
};

/* Looks at the descriptors from FIRST to SLOW_FDS, and shuts down the old connections among them. */
void slow_sweep(struct slow *slow, int first, int64_t now_ms);

#endif
