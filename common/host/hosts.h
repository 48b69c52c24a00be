/*
 * The ordered hosts of a next hop as they travel in a packet: one line each, "NAME ADDRESS PORT\n", in the order of
 * trial. NAME is what logs and notices show. Pure.
 */
#ifndef COMMON_HOST_HOSTS_H
#define COMMON_HOST_HOSTS_H

#include "common/base/str.h"
#include "common/mail/cidr.h"

enum { HOSTS_MAX = 64, HOST_NAME_MAX_OCTETS = 255 };

struct host {
	struct span name;
	struct ipaddr ip;
	uint16_t port;
};

/* A name of 1 to HOST_NAME_MAX_OCTETS graphic ASCII octets, a port that is not 0; anything else sets to->failed. */
void hosts_append(struct str *to, struct span name, const struct ipaddr *ip, uint16_t port);

/* Takes the next host off the front of *text: 1 = *out filled, 0 = end, -1 = not a list of ours (only what
 * hosts_append writes is one). */
int hosts_next(struct span *text, struct host *out);

#endif
