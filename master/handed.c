#include "master/handed.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "common/base/span.h"
#include "common/net/net.h"

enum {
	FIRST_FD = 3, /* SD_LISTEN_FDS_START */
	NAME_MAX_SHOWN = 64,
};

static struct handed {
	struct ipaddr ip;
	uint16_t port;
	bool taken;
	char name[NAME_MAX_SHOWN]; /* FileDescriptorName of the socket unit */
} table[HANDED_MAX];
static int fds[HANDED_MAX];
static size_t count;

static int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);
	return getsockopt(fd, level, option, &value, &len) == 0 ? value : -1;
}

/* What is wrong with FD; NULL = it is a TCP listener, with its address in *out. */
static const char *look_at(int fd, struct handed *out)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	if (option_of(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM || getsockname(fd, (struct sockaddr *)&address, &len) ||
	    (address.ss_family != AF_INET && address.ss_family != AF_INET6))
		return N_("it is no TCP socket: ListenStream=ADDRESS:PORT opens one");
	if (option_of(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return N_("it does not listen: Accept=yes is not for this service");
	if (address.ss_family == AF_INET6 && option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 1)
		return N_("it takes IPv4, too: the socket unit needs BindIPv6Only=ipv6-only, and 0.0.0.0:PORT besides");
	net_address(&address, &out->ip, &out->port);
	return NULL;
}

/* As net_listen makes them. */
static bool prepare(int fd)
{
	const int on = 1;
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
}

static void add(int fd, struct span name)
{
	struct handed one = {0};
	const char *wrong = look_at(fd, &one);
	if (!wrong && !prepare(fd))
		wrong = N_("its options can't be set");
	span_clean(name.len ? name : SPAN("unknown"), one.name, sizeof(one.name));
	if (wrong) {
		log_error("the socket \"%s\" of the socket unit is not used: %s", one.name, wrong);
		return;
	}
	fds[count] = fd;
	table[count++] = one;
}

void handed_open(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	uint64_t wanted, handed;
	count = 0;
	if (!pid || !n || !span_to_u64(span_of(pid), INT32_MAX, &wanted) || (pid_t)wanted != getpid() ||
	    !span_to_u64(span_of(n), HANDED_MAX, &handed))
		return;
	struct span rest = span_of(names ? names : "");
	for (int i = 0; i < (int)handed; i++)
		add(FIRST_FD + i, span_take(&rest, ':'));
}

bool handed_any(void)
{
	return count > 0;
}

static size_t find(const struct ipaddr *ip, uint16_t port)
{
	size_t i = 0;
	while (i < count && (table[i].port != port || !ipaddr_equal(&table[i].ip, ip)))
		i++;
	return i;
}

int handed_take(const struct ipaddr *ip, uint16_t port)
{
	size_t i = find(ip, port);
	if (i == count)
		return -ENOENT;
	int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	table[i].taken = true;
	return fd;
}

void handed_used(const struct ipaddr *ip, uint16_t port)
{
	size_t i = find(ip, port);
	if (i < count)
		table[i].taken = true;
}

bool handed_has(const struct ipaddr *ip, uint16_t port)
{
	return find(ip, port) < count;
}

void handed_report_idle(void)
{
	char address[IPADDR_TEXT_MAX];
	for (size_t i = 0; i < count; i++) {
		if (table[i].taken)
			continue;
		ipaddr_format(&table[i].ip, address);
		log_warning("the socket \"%s\" (%s, port %u) of the socket unit is not used: no `listen` names it",
			    table[i].name, address, (unsigned)table[i].port);
	}
}
