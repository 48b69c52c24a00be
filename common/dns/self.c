#include "common/dns/self.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

/* Returns 0 or errno, as does the next one. A kernel without IPv4 or IPv6 has no such addresses. */
static int load_ipv4(struct self *self)
{
	struct ifreq all[SELF_ADDRESSES_MAX];
	struct ifconf list = {.ifc_len = sizeof(all), .ifc_req = all};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : errno;
	int err = ioctl(fd, SIOCGIFCONF, &list) ? errno : 0;
	close(fd);
	for (size_t i = 0; !err && i < (size_t)list.ifc_len / sizeof(all[0]); i++)
		add(self, &all[i].ifr_addr);
	return err;
}

/* Reads the octets that begin a line of if_inet6, and the rest of the line. */
static bool read_ipv6(FILE *file, struct in6_addr *to)
{
	for (size_t i = 0; i < sizeof(to->s6_addr); i++)
		if (fscanf(file, "%2hhx", &to->s6_addr[i]) != 1)
			return false;
	return fscanf(file, "%*[^\n]") == 0;
}

static int load_ipv6(struct self *self)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	FILE *file = fopen("/proc/self/net/if_inet6", "re");
	if (!file)
		return errno == ENOENT ? 0 : errno;
	while (read_ipv6(file, &address.sin6_addr))
		add(self, (const struct sockaddr *)&address);
	fclose(file);
	return 0;
}

/* Without getifaddrs(3), which would need AF_NETLINK: the systemd unit withholds that from all processes. */
void self_load(const struct config_server *server, struct self *out)
{
	*out = (struct self){.fqdn = server->fqdn, .listen = &server->listen};
	int err = load_ipv4(out);
	if (!err)
		err = load_ipv6(out);
	if (err)
		log_warning("can't read the addresses of this machine: %s; mail loops are detected by host name only",
			    strerror(err));
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
