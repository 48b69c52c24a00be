#include "queue/log_loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/base/log.h"
#include "common/host/ipc.h"
#include "common/host/privs.h"

static char packet_room[WIRE_PACKET_MAX];

static void drain(void)
{
	struct ipc_packet packet;
	while (ipc_receive(CHILD_FD_RECORDS, packet_room, sizeof(packet_room), MSG_DONTWAIT, &packet) == 0)
		ipc_packet_close(&packet);
}

static bool go_on(void)
{
	struct ipc_packet packet;
	struct wire_stop stop;
	int err = ipc_receive(CHILD_FD_CONTROL, packet_room, sizeof(packet_room), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return true;
	if (err || packet.eof)
		return false;
	bool stopped = wire_decode_stop(packet.text, &stop);
	ipc_packet_close(&packet);
	return !stopped;
}

int log_loop_run(struct child *child)
{
	const struct privs_jail jail = {.user = child->config.user};
	struct pollfd fds[] = {{.fd = CHILD_FD_CONTROL, .events = POLLIN}, {.fd = CHILD_FD_RECORDS, .events = POLLIN}};
	privs_enter(&jail);
	child_ready();
	do {
		poll(fds, 2, -1);
		drain();
	} while (!fds[0].revents || go_on());
	return 0;
}
