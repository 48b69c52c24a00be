/* How a connection of the SMTP client ends. */
#include "delivery/smtp/client.h"

#include <poll.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/ipc/counters.h"
#include "delivery/smtp/lines.h"
#include "delivery/smtp/secure.h"

void client_close(struct client *c)
{
	if (c->fd < 0)
		return;
	transcript_flush(&c->transcript);
	secure_close(c);
	count_by(COUNTER_OCTETS_OUT_RECEIVED, c->stream.received);
	count_by(COUNTER_OCTETS_OUT_SENT, c->stream.sent);
	stream_free(&c->stream);
	fd_close(&c->fd);
}

/* Waits until the host has closed its end, too: until then the connection counts against the host's limit for us. */
static void wait_for_close(struct client *c)
{
	int64_t deadline = clock_mono_ms() + CLIENT_CLOSE_MS;
	struct pollfd pfd = {.fd = c->fd, .events = POLLIN};
	for (int64_t left = CLIENT_CLOSE_MS; left > 0; left = deadline - clock_mono_ms())
		if (poll(&pfd, 1, (int)left) != 1 || recv(c->fd, c->in, CLIENT_BLOCK, MSG_DONTWAIT) <= 0)
			return;
}

void client_leave(struct client *c)
{
	lines_send(c);
	if (c->patient)
		wait_for_close(c);
	client_close(c);
}

void client_quit(struct client *c)
{
	if (c->fd < 0)
		return;
	dialogue_quit(&c->dialogue);
	client_leave(c);
}
