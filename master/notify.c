#include "master/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/fd.h"

static struct sockaddr_un address;
static socklen_t address_len;

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	address_len = 0;
	if (len > 1 && len < sizeof(address.sun_path) && (path[0] == '/' || path[0] == '@')) {
		address.sun_family = AF_UNIX;
		memcpy(address.sun_path, path, len + 1);
		/* An abstract address is as long as its name, without a NUL at the end. */
		address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
		if (path[0] == '@')
			address.sun_path[0] = '\0';
	}
	unsetenv("NOTIFY_SOCKET");
}

bool notify_send(const char *state)
{
	if (!address_len)
		return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ssize_t sent =
		sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, address_len);
	fd_close(&fd);
	return sent == (ssize_t)strlen(state);
}
