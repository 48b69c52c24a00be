#include "ctl/exporter/slow.h"

#include <string.h>

/* The client of FD, all zeros beyond it. False: FD is no connection of a client. */
static int peer_of(int fd, struct sockaddr_storage *peer)
{
	socklen_t len = sizeof(*peer);
	memset(peer, 0, sizeof(*peer));
	return getpeername(fd, (struct sockaddr *)peer, &len) == 0 &&
	       (peer->ss_family == AF_INET || peer->ss_family == AF_INET6);
}

void slow_sweep(struct slow *slow, int first, int64_t now_ms)
{
	struct sockaddr_storage peer;
	for (int fd = first; fd < SLOW_FDS; fd++) {
		if (!peer_of(fd, &peer)) {
			slow->since_ms[fd] = 0;
		} else if (!slow->since_ms[fd] || memcmp(&peer, &slow->peers[fd], sizeof(peer)) != 0) {
			slow->peers[fd] = peer;
			slow->since_ms[fd] = now_ms;
		} else if (now_ms - slow->since_ms[fd] >= SLOW_AFTER_MS) {
			shutdown(fd, SHUT_RDWR);
		}
	}
}
