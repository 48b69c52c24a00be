/*
 * Sequenced packet links between the processes: a packet carries up to IPC_FDS_MAX descriptors. All descriptors are
 * close-on-exec. Functions return 0 or -errno; -EAGAIN when a non-blocking link would have to wait.
 */
#ifndef COMMON_IPC_IPC_H
#define COMMON_IPC_IPC_H

#include <sys/socket.h>

#include "common/base/span.h"
#include "common/ipc/wire.h"

enum { IPC_FDS_MAX = 4 };

/*
 * Makes a connected pair of SOCK_SEQPACKET ends with buffers of SNDBUF octets both ways (beyond the system's limit
 * where permitted).
 */
__attribute__((warn_unused_result)) int ipc_pair(int ends[2], int sndbuf);

/* Sets how long a blocking send on FD may take before -EAGAIN. */
int ipc_set_send_deadline(int fd, int64_t ms);

/* PACKET is never empty. -EPIPE, -ECONNRESET: the other end is closed. */
__attribute__((warn_unused_result)) int ipc_send(int fd, struct span packet, const int *fds, size_t fd_count);

/* ERR of ipc_send or ipc_receive is temporary: there was no room or no memory, and another try may succeed. */
bool ipc_passes(int err);

/*
 * Sends PACKET and waits as long as needed: temporary errors are retried. Returns only permanent ones: -EPIPE,
 * -ECONNRESET, -EMSGSIZE. For packets whose loss would lose mail or deliver it twice.
 */
__attribute__((warn_unused_result)) int ipc_send_surely(int fd, struct span packet);

/* Sends PACKET if there is room at once; otherwise it is lost. */
void ipc_send_now(int fd, struct span packet);

struct ipc_packet {
	struct span text;     /* in the receive buffer, valid until the next receive */
	int fds[IPC_FDS_MAX]; /* owned by the caller: call ipc_packet_close, or take one out (set it to -1) */
	size_t fd_count;
	bool eof; /* the other end is closed; an empty packet is not the end, but invalid */
};

/*
 * Receives one packet into BUFFER (WIRE_PACKET_MAX octets always suffice). A packet or descriptor list that does not
 * fit is -EMSGSIZE, and its descriptors are closed. FLAGS as for recvmsg (MSG_DONTWAIT, MSG_PEEK: the packet stays,
 * even one that does not fit, and each call brings new copies of the descriptors).
 */
__attribute__((warn_unused_result)) int ipc_receive(int fd, char *buffer, size_t size, int flags,
						    struct ipc_packet *out);

/*
 * Buffer for the descriptors of one packet, for callers of recvmmsg (with MSG_CMSG_CLOEXEC); takes them over into *OUT.
 */
union ipc_control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};
void ipc_packet_fds(struct msghdr *header, struct ipc_packet *out);

/* Closes the descriptors that were not taken out. */
void ipc_packet_close(struct ipc_packet *packet);

#endif
