#include "master/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/host/net.h"

static const char *remedy(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another program listens there; `ss -ltnp` names it";
	case EADDRNOTAVAIL:
		return "this machine does not have the address (yet); `ip address` lists what it has";
	case EACCES:
		return "ports below 1024 need root";
	default:
		return "see `listen` in mailroot.conf(5)";
	}
}

static void explain(const struct config_endpoint *where, int error, char *why, size_t size)
{
	char at[320] = "the default";

	if (where->origin.file)
		snprintf(at, sizeof(at), "%.280s:%u", where->origin.file, where->origin.line);
	snprintf(why, size, "can't listen on %.80s (%s): %s: %s", where->text, at, strerror(error), remedy(error));
}

static int open_one(struct listeners *listeners, const struct config_endpoint *where, bool v6)
{
	if (listeners->n == LISTENERS_MAX)
		return -EMFILE;
	int fd = net_listen(where, v6);
	if (fd < 0)
		return fd;
	listeners->fds[listeners->n++] = fd;
	return 0;
}

static int open_endpoint(struct listeners *listeners, const struct config_endpoint *where)
{
	if (!where->any)
		return open_one(listeners, where, !ipaddr_is_v4(&where->ip));
	int error = open_one(listeners, where, false);
	if (error)
		return error;
	error = open_one(listeners, where, true);
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL ? 0 : error;
}

bool listeners_open(struct listeners *listeners, const struct config_endpoints *where, char *why, size_t size)
{
	if (listeners->n)
		return true;
	for (size_t i = 0; i < where->n; i++) {
		int error = open_endpoint(listeners, &where->at[i]);
		if (error) {
			explain(&where->at[i], -error, why, size);
			listeners_close(listeners);
			return false;
		}
	}
	return true;
}

void listeners_close(struct listeners *listeners)
{
	while (listeners->n)
		fd_close(&listeners->fds[--listeners->n]);
}
