/*
 * A question that carries its own answer socket: one link serves all processes that ask, and none of them can answer,
 * or read the answer, in place of another. The reader of the link knows by the socket which process asks (SO_PEERCRED),
 * and that it no longer waits (end of file).
 */
#ifndef COMMON_IPC_ASK_H
#define COMMON_IPC_ASK_H

#include <sys/types.h>

#include "common/ipc/ipc.h"

/*
 * Sends QUESTION on LINK, which does not block, and waits for the answer until UNTIL (clock_mono_ms). While the link is
 * full, the question is sent again, and a few times when the reader died over it. 0: ANSWER is in BUFFER, and the
 * caller closes it (ipc_packet_close). -ETIMEDOUT, or the error of the last try.
 */
__attribute__((warn_unused_result)) int ask_link(int link, struct span question, int64_t until, char *buffer,
						 size_t size, struct ipc_packet *answer);

/* The same, but a question that the reader may have read is not sent again. -ECONNRESET: the reader died over it. */
__attribute__((warn_unused_result)) int ask_once(int link, struct span question, int64_t until, char *buffer,
						 size_t size, struct ipc_packet *answer);

/*
 * ask_link in two steps, with other work between them. ask_begin sends the question once; it returns where the answer
 * will come, owned by the caller, or -errno. ask_finish takes and closes that descriptor; -1 = the question is to be
 * sent first. An answer that is there is taken even after UNTIL.
 */
__attribute__((warn_unused_result)) int ask_begin(int link, struct span question);
__attribute__((warn_unused_result)) int ask_finish(int fd, int link, struct span question, int64_t until, char *buffer,
						   size_t size, struct ipc_packet *answer);

/* For the reader of the link: the process that waits for an answer on FD, according to the kernel; 0 = unknown. */
pid_t ask_peer(int fd);

/* Whether that process has ended or no longer waits, so that an answer is of no use. */
bool ask_has_left(int fd);

#endif
