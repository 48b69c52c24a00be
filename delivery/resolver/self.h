/*
 * What of the network is this virtual server itself: mail that would be sent there goes in a circle. Addresses of the
 * machine are read once, before the jail; a server that listens on every address has all of them.
 */
#ifndef DELIVERY_RESOLVER_SELF_H
#define DELIVERY_RESOLVER_SELF_H

#include "common/config/config.h"

enum { SELF_ADDRESSES_MAX = 256 }; /* of this machine; beyond it only the name tells */

struct self {
	const char *fqdn; /* borrowed, as the next */
	const struct config_endpoints *listen;
	struct ipaddr at[SELF_ADDRESSES_MAX];
	size_t n;
};

/* SERVER is borrowed for life. */
void self_load(const struct config_server *server, struct self *out);

/* The host called NAME, asked on PORT, would be we. */
bool self_is_name(const struct self *self, struct span name, uint16_t port);
bool self_is_address(const struct self *self, const struct ipaddr *ip, uint16_t port);

#endif
