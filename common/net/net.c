#include "common/net/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

/* Connections that wait for accept; the kernel cuts it to net.core.somaxconn. */
enum { BACKLOG = 4096, V4_AT = 12, PROBES = 3 };

static const unsigned char any[sizeof(struct in6_addr)];

static socklen_t fill_v4(const unsigned char *octets, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	memset(out, 0, sizeof(*out));
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, octets, sizeof(in->sin_addr));
	return sizeof(*in);
}

static socklen_t fill_v6(const unsigned char *octets, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	memset(out, 0, sizeof(*out));
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, octets, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

static socklen_t fill(const struct ipaddr *ip, uint16_t port, struct sockaddr_storage *out)
{
	return ipaddr_is_v4(ip) ? fill_v4(ip->octets + V4_AT, port, out) : fill_v6(ip->octets, port, out);
}

static bool set_on(int fd, int level, int option)
{
	int on = 1;
	return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

static bool bind_and_listen(int fd, const struct sockaddr_storage *to, socklen_t len, bool beside)
{
	if (!set_on(fd, SOL_SOCKET, SO_REUSEADDR) || !set_on(fd, IPPROTO_TCP, TCP_NODELAY))
		return false;
	if (to->ss_family == AF_INET6 && !set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY))
		return false;
	if (beside && !set_on(fd, SOL_SOCKET, SO_REUSEPORT))
		return false;
	return bind(fd, (const struct sockaddr *)to, len) == 0 && set_on(fd, SOL_SOCKET, SO_REUSEPORT) &&
	       listen(fd, BACKLOG) == 0;
}

int net_listen(const struct config_endpoint *where, bool v6, bool beside)
{
	struct sockaddr_storage to;
	socklen_t len;
	if (!where->any)
		len = fill(&where->ip, where->port, &to);
	else
		len = v6 ? fill_v6(any, where->port, &to) : fill_v4(any, where->port, &to);

	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!bind_and_listen(fd, &to, len, beside)) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Waits until the connection is made or has failed. */
static int await_connection(int fd, int64_t deadline)
{
	struct pollfd waiting = {.fd = fd, .events = POLLOUT};
	int err = 0, ready;
	socklen_t len = sizeof(err);
	do {
		int64_t left = deadline - clock_mono_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		ready = poll(&waiting, 1, (int)left);
	} while (ready == 0 || (ready < 0 && errno == EINTR));
	if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

static bool set_to(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value)) == 0;
}

/* Keep-alive: half of the time idle, then a few probes. Data must be acknowledged within all of it. */
static bool notice_silence(int fd)
{
	int probe_s = NET_GONE_MS / 2 / PROBES / 1000;
	return set_on(fd, SOL_SOCKET, SO_KEEPALIVE) && set_to(fd, TCP_KEEPIDLE, NET_GONE_MS / 2 / 1000) &&
	       set_to(fd, TCP_KEEPINTVL, probe_s) && set_to(fd, TCP_KEEPCNT, PROBES) &&
	       set_to(fd, TCP_USER_TIMEOUT, NET_GONE_MS);
}

static int connect_within(int fd, const struct ipaddr *ip, uint16_t port, int64_t ms)
{
	struct sockaddr_storage to;
	int64_t deadline = clock_mono_ms() + (ms < INT32_MAX ? ms : INT32_MAX);
	socklen_t len = fill(ip, port, &to);
	int err = connect(fd, (const struct sockaddr *)&to, len) == 0 ? 0 : -errno;
	if (err == -EINPROGRESS || err == -EINTR)
		err = await_connection(fd, deadline);
	if (!err && (!set_on(fd, IPPROTO_TCP, TCP_NODELAY) || !notice_silence(fd)))
		err = -errno;
	return err ? err : fd_set_nonblock(fd, false);
}

/* The kernel chooses the port at connect, so that one port serves connections to many hosts. */
static int bind_source(int fd, const struct ipaddr *source)
{
	struct sockaddr_storage from;
	socklen_t len = fill(source, 0, &from);
	if (!set_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) || bind(fd, (const struct sockaddr *)&from, len) != 0)
		return -errno;
	return 0;
}

int net_connect_from(const struct ipaddr *source, const struct ipaddr *ip, uint16_t port, int64_t ms)
{
	int fd = socket(ipaddr_is_v4(ip) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int err = source ? bind_source(fd, source) : 0;
	if (!err)
		err = connect_within(fd, ip, port, ms);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int net_datagram(const struct ipaddr *ip, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t len = fill(ip, port, &to);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, len) == 0)
		return fd;
	int err = -errno;
	fd_close(&fd);
	return err;
}

void net_address(const struct sockaddr_storage *from, struct ipaddr *ip, uint16_t *port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
	memset(ip, 0, sizeof(*ip));
	*port = 0;
	if (from->ss_family == AF_INET) {
		ip->octets[10] = ip->octets[11] = 0xff;
		memcpy(ip->octets + V4_AT, &in->sin_addr, sizeof(in->sin_addr));
		*port = ntohs(in->sin_port);
	} else if (from->ss_family == AF_INET6) {
		memcpy(ip->octets, &in6->sin6_addr, sizeof(in6->sin6_addr));
		*port = ntohs(in6->sin6_port);
	}
}

void net_format(const struct ipaddr *ip, uint16_t port, char *to)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(ip, address);
	snprintf(to, NET_TEXT_MAX, ipaddr_is_v4(ip) ? "%s:%u" : "[%s]:%u", address, port);
}
