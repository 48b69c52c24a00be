#include "master/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/rows.h"

void control_init(struct control *control)
{
	*control = (struct control){.fd = -1};
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
}

/* The mode comes with the bind: a chmod would follow a file put there meanwhile. */
static int bind_for_all(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0111);
	int err = bind(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	umask(mask);
	return err;
}

int control_open(struct control *control, const char *run_dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(control->path, sizeof(control->path), "%s/control", run_dir);
	if (n < 0 || (size_t)n >= sizeof(control->path))
		return -ENAMETOOLONG;
	if (control->fd >= 0)
		return 0;
	memcpy(address.sun_path, control->path, sizeof(address.sun_path));
	control->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return -errno;
	/* The lock of the pid file is ours, so an existing socket is stale. The kernel's credentials of the peer decide
	 * who may connect (permit.h), not the mode: operators are users as well as groups. */
	unlink(control->path);
	int err = bind_for_all(control->fd, &address);
	if (!err && listen(control->fd, CONTROL_CLIENTS_MAX))
		err = -errno;
	if (err)
		fd_close(&control->fd);
	return err;
}

/* What the peer of FD may ask; WIRE_LINK_COUNT = nothing. */
static enum wire_link link_of(const struct control *control, int fd)
{
	switch (permit_socket(&control->permit, fd)) {
	case PERMIT_ALL:
		return WIRE_LINK_ctl_master;
	case PERMIT_STATUS:
		return WIRE_LINK_status_master;
	default:
		return WIRE_LINK_COUNT;
	}
}

void control_adopt(struct control *control, const int *fds, size_t n, int64_t now_ms)
{
	for (size_t i = 0; i < n && i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i] =
			(struct control_client){fds[i], link_of(control, fds[i]), now_ms + CONTROL_IDLE_MS};
}

void control_close(struct control *control)
{
	if (control->fd >= 0)
		unlink(control->path);
	fd_close(&control->fd);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fd_close(&control->clients[i].fd);
}

static struct control_client *free_client(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	}
	return NULL;
}

void control_accept(struct control *control, int64_t now_ms)
{
	struct control_client one = {.fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)};
	struct control_client *client = free_client(control);
	if (one.fd < 0) {
		fd_rest(errno);
		return;
	}
	int sndbuf = CONTROL_SNDBUF;
	setsockopt(one.fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	one.link = link_of(control, one.fd);
	if (one.link == WIRE_LINK_COUNT)
		control_done(&one, 1,
			     N_("you may not control this service; the setting `operators` names the permitted users"),
			     -1);
	else if (!client)
		control_done(&one, 1, N_("too many connections at once; try again in a moment"), -1);
	else
		*client = (struct control_client){one.fd, one.link, now_ms + CONTROL_IDLE_MS};
	if (!client || client->fd != one.fd)
		fd_close(&one.fd);
}

void control_receive(const struct control *control, struct master *master, struct control_client *client)
{
	char buffer[CONTROL_REQUEST_MAX];
	struct ipc_packet packet = {.eof = true};
	int err = ipc_receive(client->fd, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	bool keep = false;
	if (!err && !packet.eof)
		keep = control->answer(master, client, packet.text);
	if (!err)
		ipc_packet_close(&packet);
	if (!keep)
		fd_close(&client->fd);
}

int64_t control_tend(struct control *control, int64_t now_ms)
{
	int64_t next = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];
		if (client->fd >= 0 && now_ms >= client->until_ms)
			fd_close(&client->fd);
		if (client->fd >= 0 && (next < 0 || client->until_ms - now_ms < next))
			next = client->until_ms - now_ms;
	}
	return next;
}

static bool answer(struct control_client *client, struct str *packet, int fd)
{
	bool good = !packet->failed && ipc_send(client->fd, str_span(packet), &fd, fd >= 0) == 0;
	str_free(packet);
	return good;
}

bool control_row(struct control_client *client, const char *kind, const char *const *cells, size_t n)
{
	struct str joined, packet;
	str_init(&joined, 65536);
	str_init(&packet, WIRE_PACKET_MAX);
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_append_c(&joined, ROW_SEPARATOR);
		str_append_text(&joined, cells[i] ? cells[i] : "");
	}
	struct wire_ctl_row row = {.kind = span_of(kind), .cells = str_span(&joined)};
	wire_encode_ctl_row(&row, &packet);
	packet.failed |= joined.failed;
	bool good = answer(client, &packet, -1);
	str_free(&joined);
	return good;
}

bool control_text(struct control_client *client, struct span text)
{
	while (text.len) {
		struct wire_ctl_text piece = {.text = {text.at, text.len < 60000 ? text.len : 60000}};
		struct str packet;
		str_init(&packet, WIRE_PACKET_MAX);
		wire_encode_ctl_text(&piece, &packet);
		if (!answer(client, &packet, -1))
			return false;
		text = span_skip(text, piece.text.len);
	}
	return true;
}

bool control_page(struct control_client *client, const char *server, int page)
{
	const struct wire_ctl_page packet = {.server = span_of(server)};
	struct str text;
	str_init(&text, WIRE_PACKET_MAX);
	wire_encode_ctl_page(&packet, &text);
	return answer(client, &text, page);
}

bool control_done(struct control_client *client, unsigned exit_code, const char *text, int fd)
{
	struct wire_ctl_done done = {.exit_code = exit_code, .text = span_of(text)};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_ctl_done(&done, &packet);
	return answer(client, &packet, fd);
}
