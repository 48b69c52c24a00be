#include "smtpd/proxy/proxied.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "smtpd/policy/naming.h"

/* Receives until BUFFER has NEED octets. NULL, or what went wrong; "" = the peer left without an octet. */
static const char *receive(int fd, char *buffer, size_t *have, size_t need, int64_t until)
{
	while (*have < need) {
		ssize_t n = recv(fd, buffer + *have, need - *have, MSG_DONTWAIT);
		if (n == 0)
			return *have ? "the connection ended within the PROXY header" : "";
		if (n > 0)
			*have += (size_t)n;
		else if (errno == ECONNRESET && !*have)
			return "";
		else if (errno != EAGAIN && errno != EINTR)
			return strerror(errno);
		else if (fd_await(fd, until) == -ETIMEDOUT)
			return "no whole PROXY header came within 5 s";
	}
	return NULL;
}

static const char *read_header(int fd, struct proxy_header *header)
{
	char buffer[PROXY_HEADER_MAX];
	size_t have = 0, need = PROXY_HEADER_FIRST;
	int64_t until = clock_mono_ms() + PROXIED_WAIT_MS;
	const char *why;
	for (;;) {
		why = receive(fd, buffer, &have, need, until);
		if (why)
			return why;
		switch (proxy_header_parse((struct span){buffer, have}, header, &need, &why)) {
		case PROXY_OK:
			return NULL;
		case PROXY_MORE:
			break;
		case PROXY_WRONG:
			return why;
		}
	}
}

static void log_fault(const struct ipaddr *peer, struct usage *usage, const char *why, const char *remedy)
{
	/* Apart, as for a client rule: a load balancer is no client, so it is not in the list of clients. */
	const struct usage_who who = {peer, NULL, "listen proxy"};
	unsigned times = usage_over(usage, &who, clock_mono_ms());
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(peer, address);
	if (times)
		log_warning("client=%s status=refused times=%u reason=\"%s\" remedy=\"%s\"", address, times, why,
			    remedy);
}

bool proxied_permits(const struct ipaddr *peer, const struct config_server *server, struct usage *usage)
{
	if (naming_permits(&server->proxy_list, peer))
		return true;
	log_fault(
		peer, usage,
		"the listener expects a load balancer (listen ... proxy), and proxy_list does not have this address",
		"add the address to proxy_list if it is a load balancer; clients connect to a listener without proxy");
	return false;
}

bool proxied_read(int fd, const struct ipaddr *peer, const struct config_server *server, struct usage *usage,
		  volatile sig_atomic_t *waiting_fd, struct proxy_header *header)
{
	if (!proxied_permits(peer, server, usage))
		return false;
	*waiting_fd = fd;
	const char *why = read_header(fd, header);
	*waiting_fd = -1;
	/* A peer that only connects and leaves looks whether the port is open. */
	if (why && *why)
		log_fault(peer, usage, why,
			  "send-proxy or send-proxy-v2 at the load balancer, or listen without proxy here");
	if (why)
		return false;
	header->client = naming_client(&header->client, peer);
	return true;
}

struct session_ends proxied_ends(const struct proxy_header *header)
{
	struct session_ends ends = {.client_port = header->client_port, .daemon_port = header->server_port};
	ipaddr_format(&header->server, ends.daemon);
	return ends;
}
