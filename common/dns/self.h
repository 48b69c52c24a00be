/*
 * Which hosts are this virtual server itself: mail that is sent there would loop. The addresses of the machine are read
 * once, before the jail. A server that listens on every address has all of them.
 */
#ifndef COMMON_DNS_SELF_H
#define COMMON_DNS_SELF_H

#include "common/config/config.h"

enum { SELF_ADDRESSES_MAX = 256 }; /* addresses of this machine that are known */

struct self {
	const char *fqdn; /* borrowed, as is `listen` */
	const struct config_endpoints *listen;
	struct ipaddr at[SELF_ADDRESSES_MAX];
	size_t n;
};

/* SERVER must outlive *out. */
void self_load(const struct config_server *server, struct self *out);

/* True if the host NAME, or the host at IP, with PORT is this server. */
bool self_is_name(const struct self *self, struct span name, uint16_t port);
bool self_is_address(const struct self *self, const struct ipaddr *ip, uint16_t port);

#endif
