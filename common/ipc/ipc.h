/*
 * Sequenced packet links between our processes: one packet, up to IPC_FDS_MAX descriptors with it. All descriptors are
 * close-on-exec. Functions return 0 or -errno; -EAGAIN when a link does not block and would have to.
 */
#ifndef COMMON_IPC_IPC_H
#define COMMON_IPC_IPC_H

#include <sys/socket.h>

#include "common/base/span.h"
#include "common/ipc/wire.h"

enum { IPC_FDS_MAX = 4 };

/* A connected pair of SOCK_SEQPACKET ends with buffers of SNDBUF octets both ways (beyond the system's bound where we
 * may). */
__attribute__((warn_unused_result)) int ipc_pair(int ends[2], int sndbuf);

/* How long a blocking send on FD may take before -EAGAIN. */
int ipc_set_send_deadline(int fd, int64_t ms);

/* PACKET is never empty. -EPIPE, -ECONNRESET: the other end is closed. */
__attribute__((warn_unused_result)) int ipc_send(int fd, struct span packet, const int *fds, size_t fd_count);

/* ERR, of ipc_send or ipc_receive, says nothing of the link: there was no room or no memory, and the same may be tried
 * again. */
bool ipc_passes(int err);

/* Sends PACKET however long that takes: a full link, no memory and their like pass, and are waited for. What is
 * returned will not pass: -EPIPE, -ECONNRESET, -EMSGSIZE. For packets whose loss would cost mail, or a second copy of
 * it. */
__attribute__((warn_unused_result)) int ipc_send_surely(int fd, struct span packet);

/* Sends PACKET if there is room for it at once; a packet that may be lost. */
void ipc_send_now(int fd, struct span packet);

struct ipc_packet {
	struct span text;     /* in the receiver's buffer, valid until the next receive */
	int fds[IPC_FDS_MAX]; /* owned by the caller: ipc_packet_close or take them out (set to -1) */
	size_t fd_count;
	bool eof; /* the other end is closed; an empty packet is not the end, only no packet of ours */
};

/*
 * Receives one packet into BUFFER (WIRE_PACKET_MAX octets are always enough). A packet or descriptor list that does not
 * fit is -EMSGSIZE, its descriptors closed. FLAGS as for recvmsg (MSG_DONTWAIT, MSG_PEEK: the packet stays, even one
 * that does not fit, and each look brings its own copies of the descriptors).
 */
__attribute__((warn_unused_result)) int ipc_receive(int fd, char *buffer, size_t size, int flags,
						    struct ipc_packet *out);

/* Room for the descriptors of one packet, for those who call recvmmsg themselves (with MSG_CMSG_CLOEXEC); and takes
 * what came into *OUT. */
union ipc_control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};
void ipc_packet_fds(struct msghdr *header, struct ipc_packet *out);

/* Closes what is left of its descriptors. */
void ipc_packet_close(struct ipc_packet *packet);

#endif
