#include "smtpd/session/ends.h"

#include <sys/socket.h>

#include "common/net/net.h"

void ends_of_socket(struct session_ends *ends, int fd)
{
	struct sockaddr_storage address = {0};
	struct ipaddr ip;
	socklen_t len = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.ss_family != AF_UNIX) {
		net_address(&address, &ip, &ends->daemon_port);
		ipaddr_format(&ip, ends->daemon);
	}
	len = sizeof(address);
	if (getpeername(fd, (struct sockaddr *)&address, &len) == 0 && address.ss_family != AF_UNIX)
		net_address(&address, &ip, &ends->client_port);
}
