#include "common/ipc/ask.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

enum {
	SOCKET_BUFFER = 8192,
	TRIES = 3,      /* a reader that died may have lost the question */
	PAUSE_MS = 200, /* before the next try */
	CROWDED_MS = 20 /* until there may be room on the link */
};

int ask_begin(int link, struct span question)
{
	int ends[2];
	int err = ipc_pair(ends, SOCKET_BUFFER);
	if (err)
		return err;
	err = ipc_send(link, question, &ends[1], 1);
	fd_close(&ends[1]);
	if (err)
		fd_close(&ends[0]);
	return err ? err : ends[0];
}

/* Closes FD. -ECONNRESET: the reader died over the question. */
static int receive(int fd, int64_t until, char *buffer, size_t size, struct ipc_packet *answer)
{
	int err = ipc_receive(fd, buffer, size, MSG_DONTWAIT, answer);
	if (err == -EAGAIN) {
		err = fd_await(fd, until);
		if (!err)
			err = ipc_receive(fd, buffer, size, MSG_DONTWAIT, answer);
	}
	if (!err && answer->eof)
		err = -ECONNRESET;
	fd_close(&fd);
	return err;
}

/* The link, or the kernel's count of our user's sockets under way, is full. Both will have room again. */
static bool is_crowded(int err)
{
	return err == -EAGAIN || err == -ETOOMANYREFS;
}

/* FD: as of ask_finish. TRIES: how many readers may die over the question. */
static int ask(int fd, int tries, int link, struct span question, int64_t until, char *buffer, size_t size,
	       struct ipc_packet *answer)
{
	for (int lost = 0;;) {
		if (fd < 0)
			fd = ask_begin(link, question);
		int err = fd < 0 ? fd : receive(fd, until, buffer, size, answer);
		fd = -1;
		if (!(is_crowded(err) || (err == -ECONNRESET && ++lost < tries)) || clock_mono_ms() >= until)
			return err;
		poll(NULL, 0, is_crowded(err) ? CROWDED_MS : PAUSE_MS);
	}
}

int ask_finish(int fd, int link, struct span question, int64_t until, char *buffer, size_t size,
	       struct ipc_packet *answer)
{
	return ask(fd, TRIES, link, question, until, buffer, size, answer);
}

int ask_link(int link, struct span question, int64_t until, char *buffer, size_t size, struct ipc_packet *answer)
{
	return ask(-1, TRIES, link, question, until, buffer, size, answer);
}

int ask_once(int link, struct span question, int64_t until, char *buffer, size_t size, struct ipc_packet *answer)
{
	return ask(-1, 1, link, question, until, buffer, size, answer);
}

pid_t ask_peer(int fd)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof(peer) ? peer.pid : 0;
}

bool ask_has_left(int fd)
{
	struct pollfd socket = {.fd = fd, .events = POLLIN};
	return poll(&socket, 1, 0) > 0 && socket.revents & POLLHUP;
}
