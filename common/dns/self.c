#include "common/dns/self.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "common/base/log.h"
#include "common/net/net.h"

static void add(struct self *self, const struct sockaddr *address)
{
	struct sockaddr_storage storage = {0};
	uint16_t port;
	bool v4 = address->sa_family == AF_INET, v6 = address->sa_family == AF_INET6;
	if ((!v4 && !v6) || self->n == SELF_ADDRESSES_MAX)
		return;
	memcpy(&storage, address, v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	net_address(&storage, &self->at[self->n++], &port);
}

void self_load(const struct config_server *server, struct self *out)
{
	struct ifaddrs *list;
	*out = (struct self){.fqdn = server->fqdn, .listen = &server->listen};
	if (getifaddrs(&list)) {
		log_warning("can't read the addresses of this machine: %s; mail loops are detected by host name only",
			    strerror(errno));
		return;
	}
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
		if (entry->ifa_addr)
			add(out, entry->ifa_addr);
	freeifaddrs(list);
}

bool self_is_name(const struct self *self, struct span name, uint16_t port)
{
	bool listens = false;
	for (size_t i = 0; i < self->listen->n; i++)
		listens |= self->listen->at[i].port == port;
	return listens && span_equal_nocase(name, span_of(self->fqdn));
}

static bool is_loopback(const struct ipaddr *ip)
{
	static const unsigned char loopback6[16] = {[15] = 1};
	return ipaddr_is_v4(ip) ? ip->octets[12] == 127 : !memcmp(ip->octets, loopback6, sizeof(loopback6));
}

static bool is_of_this_machine(const struct self *self, const struct ipaddr *ip)
{
	for (size_t i = 0; i < self->n; i++)
		if (ipaddr_equal(&self->at[i], ip))
			return true;
	return is_loopback(ip);
}

bool self_is_address(const struct self *self, const struct ipaddr *ip, uint16_t port)
{
	for (size_t i = 0; i < self->listen->n; i++) {
		const struct config_endpoint *endpoint = &self->listen->at[i];
		if (endpoint->port != port)
			continue;
		if (endpoint->any ? is_of_this_machine(self, ip) : ipaddr_equal(&endpoint->ip, ip))
			return true;
	}
	return false;
}
