#include "master/tell.h"

#include <errno.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"

enum { CONNECT_SNDBUF = 1 << 20 };

/* PACKET is consumed. */
static bool send_packet(struct supervised *child, const char *server, struct str *packet, int fd)
{
	if (child->control < 0) {
		str_free(packet);
		return false;
	}
	int err = packet->failed ? -ENOMEM : ipc_send(child->control, str_span(packet), &fd, fd >= 0);
	str_free(packet);
	if (err)
		log_warning("server=%s role=%s pid=%d can't receive orders: %s", server, child_role_name(child->role),
			    (int)child->pid, strerror(-err));
	return !err;
}

/*
 * For packets that a child must not miss: it would keep an old configuration, or run for ever. If it can't be sent, its
 * link is cut: the child finishes its work and ends, and another is started if needed.
 */
static bool tell(struct supervised *child, const char *server, struct str *packet, int fd)
{
	bool sent = send_packet(child, server, packet, fd);
	if (!sent)
		fd_close(&child->control);
	return sent;
}

bool tell_attach(struct supervised *child, const char *server, enum child_link link, uint64_t serial, int fd)
{
	struct wire_attach attach = {.kind = link, .serial = serial};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_attach(&attach, &packet);
	return send_packet(child, server, &packet, fd);
}

int tell_connect(struct supervised *child, const char *server, enum child_link link)
{
	int ends[2];
	if (child->state != SUPERVISE_READY && child->state != SUPERVISE_RETIRING)
		return -EAGAIN;
	int err = ipc_pair(ends, CONNECT_SNDBUF);
	if (err)
		return err;
	bool sent = tell_attach(child, server, link, 0, ends[1]);
	fd_close(&ends[1]);
	if (!sent)
		fd_close(&ends[0]);
	return sent ? ends[0] : -EPIPE;
}

bool tell_detach(struct supervised *queue, const char *server, enum child_link link)
{
	struct wire_detach detach = {.kind = link};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_detach(&detach, &packet);
	return tell(queue, server, &packet, -1);
}

bool tell_ping(struct supervised *child, const char *server)
{
	struct wire_ping ping = {.ping = true};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_ping(&ping, &packet);
	return send_packet(child, server, &packet, -1);
}

bool tell_stop(struct supervised *child, const char *server, bool now)
{
	struct wire_stop stop = {.now = now};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_stop(&stop, &packet);
	return tell(child, server, &packet, -1);
}

bool tell_pause(struct supervised *child, const char *server, bool paused)
{
	struct wire_pause pause = {.paused = paused};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_pause(&pause, &packet);
	return tell(child, server, &packet, -1);
}

bool tell_retire(struct supervised *child, const char *server)
{
	struct wire_retire retire = {.retire = true};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_retire(&retire, &packet);
	return tell(child, server, &packet, -1);
}

bool tell_users(struct supervised *child, const char *server, const struct wire_users *news, int fd)
{
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_users(news, &packet);
	return tell(child, server, &packet, fd);
}

bool tell_recipients(struct supervised *child, const char *server, const struct wire_recipients *news, int fd)
{
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_recipients(news, &packet);
	return tell(child, server, &packet, fd);
}

bool tell_reload(struct supervised *child, const char *server, uint64_t generation, struct span text)
{
	struct wire_reload reload = {.generation = generation};
	struct str packet;
	int fd = fd_sealed("configuration", text);
	if (fd < 0) {
		log_error("server=%s role=%s keeps the old configuration: %s", server, child_role_name(child->role),
			  strerror(-fd));
		return false;
	}
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_reload(&reload, &packet);
	bool told = tell(child, server, &packet, fd);
	fd_close(&fd);
	return told;
}
