#include "common/ipc/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

enum {
	NO_MEMORY_MS = 10,
	WAIT_MS = 1000 /* wait for room before the next check */
};

static int set_buffer(int fd, int force, int plain, int size)
{
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) == 0)
		return 0;
	return setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size)) == 0 ? 0 : -errno;
}

static int set_buffers(int fd, int size)
{
	int err = set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, size);
	return err ? err : set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, size);
}

int ipc_pair(int ends[2], int sndbuf)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	int err = set_buffers(ends[0], sndbuf);
	if (!err)
		err = set_buffers(ends[1], sndbuf);
	if (err) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
	}
	return err;
}

int ipc_set_send_deadline(int fd, int64_t ms)
{
	if (ms < 1)
		ms = 1; /* the kernel takes 0 for "no deadline" */
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 ? 0 : -errno;
}

static void attach_fds(struct msghdr *message, union ipc_control *control, const int *fds, size_t count)
{
	memset(control, 0, sizeof(*control));
	message->msg_control = control->room;
	message->msg_controllen = CMSG_SPACE(sizeof(int) * count);
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
}

int ipc_send(int fd, struct span packet, const int *fds, size_t fd_count)
{
	struct iovec octets = {.iov_base = (void *)(uintptr_t)packet.at, .iov_len = packet.len};
	struct msghdr message = {.msg_iov = &octets, .msg_iovlen = 1};
	union ipc_control control;
	if (!packet.len || fd_count > IPC_FDS_MAX)
		return -EINVAL;
	if (fd_count)
		attach_fds(&message, &control, fds, fd_count);
	ssize_t sent;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

bool ipc_passes(int err)
{
	return err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM || err == -EIO || err == -ETOOMANYREFS;
}

int ipc_send_surely(int fd, struct span packet)
{
	struct pollfd link = {.fd = fd, .events = POLLOUT};
	int err, pause_ms = 0;
	while (ipc_passes(err = ipc_send(fd, packet, NULL, 0)))
		if (err == -EAGAIN)
			poll(&link, 1, WAIT_MS);
		else
			clock_back_off(&pause_ms);
	return err;
}

void ipc_packet_fds(struct msghdr *message, struct ipc_packet *out)
{
	*out = (struct ipc_packet){.text = out->text, .fds = {-1, -1, -1, -1}};
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (count > IPC_FDS_MAX - out->fd_count)
			count = IPC_FDS_MAX - out->fd_count;
		memcpy(out->fds + out->fd_count, CMSG_DATA(header), sizeof(int) * count);
		out->fd_count += count;
	}
}

/*
 * An empty packet reads like the end of a link. Where an empty packet must not end a link, this tells the difference.
 */
static bool peer_is_gone(int fd)
{
	struct pollfd link = {.fd = fd, .events = POLLRDHUP};
	return poll(&link, 1, 0) > 0;
}

/* Without memory the packet stays in the link. A short wait keeps the caller's poll from spinning. */
static bool wait_for_memory(int err)
{
	if (err != ENOMEM && err != ENOBUFS)
		return false;
	poll(NULL, 0, NO_MEMORY_MS);
	return true;
}

int ipc_receive(int fd, char *buffer, size_t size, int flags, struct ipc_packet *out)
{
	union ipc_control control;
	struct iovec octets = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {.msg_iov = &octets,
				 .msg_iovlen = 1,
				 .msg_control = control.room,
				 .msg_controllen = sizeof(control.room)};
	*out = (struct ipc_packet){.fds = {-1, -1, -1, -1}};
	ssize_t got;
	/* A peer that closed with unread packets leaves one ECONNRESET in front of its last packets. */
	do
		got = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0)
		return flags & MSG_DONTWAIT && wait_for_memory(errno) ? -EAGAIN : -errno;
	ipc_packet_fds(&message, out);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		ipc_packet_close(out);
		return -EMSGSIZE;
	}
	out->text = (struct span){buffer, (size_t)got};
	out->eof = got == 0 && peer_is_gone(fd);
	return 0;
}

void ipc_packet_close(struct ipc_packet *packet)
{
	for (size_t i = 0; i < packet->fd_count; i++)
		fd_close(&packet->fds[i]);
	packet->fd_count = 0;
}

void ipc_send_now(int fd, struct span packet)
{
	send(fd, packet.at, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}
