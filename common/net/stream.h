/*
 * A blocking connection with bounded lines and deadlines, for processes that serve one at a time. Output is collected
 * and sent before we wait for input (so pipelined replies share a packet). Each read may last `idle` ms; a phase (a
 * command line, a message) may last until stream_deadline however busily octets trickle. No system call but recv and
 * send in the common case.
 */
#ifndef COMMON_NET_STREAM_H
#define COMMON_NET_STREAM_H

#include <stdatomic.h>
#include <sys/types.h>

#include "common/base/str.h"

/*
 * What stands between a stream and its socket: TLS. Both functions go down to stream_socket_receive and _send, which
 * keep the deadlines, and answer like them.
 */
struct stream_layer {
	ssize_t (*receive)(void *context, void *to, size_t size);
	ssize_t (*send)(void *context, const void *from, size_t size);
	void *context;
};

enum { STREAM_IN = 64 * 1024, STREAM_OUT = 16 * 1024 };

enum stream_result {
	STREAM_OK,
	STREAM_EOF,
	STREAM_TIMEOUT,  /* idle or phase deadline */
	STREAM_TOO_LONG, /* a line beyond the bound: it was skipped up to its end */
	STREAM_ERROR     /* errno */
};

struct stream {
	int fd;
	int64_t idle_ms;
	int64_t began;             /* clock_mono_ms at which the phase began */
	int64_t deadline;          /* clock_mono_ms at which it ends; INT64_MAX = none */
	const _Atomic bool *hurry; /* NULL = there never is any */
	int64_t hurry_ms;
	int64_t timeout_set;           /* what SO_RCVTIMEO says now */
	char *in;                      /* STREAM_IN octets, owned */
	size_t in_at, in_end, in_high; /* in_high: octets of `in` that something has been written to */
	char *out;                     /* STREAM_OUT octets, owned */
	size_t out_len;
	bool failed;
	bool at_once;              /* the socket functions don't wait: -1, EAGAIN */
	struct stream_layer layer; /* functions NULL = none */
};

/* FD: a connected socket that blocks; borrowed. A send that makes no progress for IDLE_MS ends in STREAM_TIMEOUT. False
 * with errno. */
bool stream_init(struct stream *s, int fd, int64_t idle_ms);
void stream_free(struct stream *s);

/* The phase that begins now may last MS; 0 = no bound but idle_ms. */
void stream_deadline(struct stream *s, int64_t ms);

/*
 * While *HURRY (borrowed) no wait lasts longer than MS, nor does a phase. Waits that have begun obey when the process
 * gets a signal that it handles: those for input at once, those for output at the second one that is MS after another.
 */
void stream_hurry(struct stream *s, const _Atomic bool *hurry, int64_t ms);
bool stream_hurried(const struct stream *s);

/*
 * The next line of at most MAX octets (its LF or CRLF not counted), in the stream's buffer until the next call. *bare
 * is set when it ended with LF alone or holds a CR elsewhere. Sends pending output first when it must wait. A longer
 * line is skipped within 1 MiB and the deadline, then STREAM_TOO_LONG; beyond 1 MiB it is STREAM_ERROR, EMSGSIZE.
 * MAX can't be more than STREAM_IN - 2.
 */
enum stream_result stream_line(struct stream *s, size_t max, struct span *line, bool *bare);

/* What is there, at least one octet, without taking it; then stream_taken says how much was used. Sends pending output
 * first when it must wait. */
enum stream_result stream_peek(struct stream *s, struct span *octets);
void stream_taken(struct stream *s, size_t n);

/* Input has been received that was not taken yet: pipelined commands. */
bool stream_pending(const struct stream *s);

/*
 * Collected, sent when full. After a failed send (TIMEOUT, ERROR) nothing more is sent: every further call is
 * STREAM_ERROR, EPIPE. A time-out of reading leaves sending alone, so a last reply can go.
 */
enum stream_result stream_write(struct stream *s, struct span text);
enum stream_result stream_flush(struct stream *s);

/* Throws away input that was received (STARTTLS). */
void stream_discard(struct stream *s);

/* Overwrites what was taken from the buffer: a password has come. What is still to be taken stays. */
void stream_wipe(struct stream *s);

/* From now on everything passes through LAYER, whose context is borrowed until stream_free. Nothing may be pending in
 * either direction (stream_flush, stream_discard). */
void stream_set_layer(struct stream *s, const struct stream_layer *layer);

/* The peer has said nothing that we have not read, and has not closed. What it said stays to be read. */
bool stream_silent(struct stream *s);

/* Sends as much of TEXT as goes at once, beside what stream_write collected (which must be flushed): octets, or -1 with
 * EAGAIN (call again with the same octets) or another errno. */
ssize_t stream_send_now(struct stream *s, struct span text);

/*
 * For layers: the socket itself. Octets, 0 = end, or -1 with errno: ETIMEDOUT when idle_ms or the phase is over, EAGAIN
 * when it would have to wait and s->at_once says no.
 */
ssize_t stream_socket_receive(struct stream *s, void *to, size_t size);
ssize_t stream_socket_send(struct stream *s, const void *from, size_t size);

#endif
