#include "common/ipc/ask.h"

#include <errno.h>
#include <poll.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

enum {
	SOCKET_BUFFER = 8192,
	TRIES = 3,      /* a reader that died may have lost the question */
	PAUSE_MS = 200, /* before the next try */
	CROWDED_MS = 20 /* until there may be room on the link */
};

/* Returns our end of the socket for the answer, or -errno. */
static int send_question(int link, struct span question)
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

/* -ECONNRESET: the reader died over the question. */
static int try_once(int link, struct span question, int64_t until, char *buffer, size_t size, struct ipc_packet *answer)
{
	int fd = send_question(link, question);
	if (fd < 0)
		return fd;
	int err = fd_await(fd, until);
	if (!err)
		err = ipc_receive(fd, buffer, size, MSG_DONTWAIT, answer);
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

int ask_link(int link, struct span question, int64_t until, char *buffer, size_t size, struct ipc_packet *answer)
{
	int lost = 0;
	int err = try_once(link, question, until, buffer, size, answer);
	while ((is_crowded(err) || (err == -ECONNRESET && ++lost < TRIES)) && clock_mono_ms() < until) {
		poll(NULL, 0, is_crowded(err) ? CROWDED_MS : PAUSE_MS);
		err = try_once(link, question, until, buffer, size, answer);
	}
	return err;
}
