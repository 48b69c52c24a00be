#include "master/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/span.h"

enum { ALIVE_TIMES = 3 }; /* in a period of init's watchdog */

static struct sockaddr_un address;
static socklen_t address_len;
static int64_t alive_ms;      /* between two signs of life; 0 = init does not ask for them */
static int64_t next_alive_ms; /* monotonic */

/* The period is for the process WATCHDOG_PID, which may be a parent of this one. */
static int64_t watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t period, wanted = 0;
	if (!usec || !span_to_u64(span_of(usec), INT64_MAX, &period))
		return 0;
	if (pid && (!span_to_u64(span_of(pid), INT32_MAX, &wanted) || (pid_t)wanted != getpid()))
		return 0;
	return (int64_t)(period / 1000);
}

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
	alive_ms = watchdog_ms() / ALIVE_TIMES;
	next_alive_ms = 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_hand_on(void)
{
	char path[sizeof(address.sun_path) + 1] = "", period[24];
	if (!address_len)
		return;
	memcpy(path, address.sun_path, address_len - offsetof(struct sockaddr_un, sun_path));
	if (!path[0])
		path[0] = '@';
	setenv("NOTIFY_SOCKET", path, 1);
	snprintf(period, sizeof(period), "%lld", (long long)alive_ms * ALIVE_TIMES * 1000);
	if (alive_ms)
		setenv("WATCHDOG_USEC", period, 1);
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

int64_t notify_alive(int64_t now_ms)
{
	if (!alive_ms || !address_len)
		return -1;
	if (now_ms < next_alive_ms)
		return next_alive_ms - now_ms;
	notify_send("WATCHDOG=1");
	next_alive_ms = now_ms + alive_ms;
	return alive_ms;
}
