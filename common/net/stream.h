/*
 * A blocking connection with bounded lines and deadlines, for processes that serve one connection at a time. Output is
 * collected and sent before waiting for input (so pipelined replies share a packet). Each read may last `idle` ms; a
 * phase (a command line, a message) may last until stream_deadline even if octets trickle. No system call but recv and
 * send in the common case.
 */
#ifndef COMMON_NET_STREAM_H
#define COMMON_NET_STREAM_H

#include <stdatomic.h>
#include <sys/types.h>

#include "common/base/str.h"

/*
 * The layer between a stream and its socket: TLS. Both functions call stream_socket_receive and _send, which keep the
 * deadlines, and return the same results.
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
	STREAM_TOO_LONG, /* a line beyond the limit; it was skipped */
	STREAM_ERROR     /* errno */
};

struct stream {
	int fd;
	int64_t idle_ms;
	int64_t began;             /* clock_mono_ms at the start of the phase */
	int64_t deadline;          /* clock_mono_ms at its end; INT64_MAX = none */
	const _Atomic bool *hurry; /* NULL = never */
	int64_t hurry_ms;
	int64_t timeout_set;           /* the present SO_RCVTIMEO */
	char *in;                      /* STREAM_IN octets, owned */
	size_t in_at, in_end, in_high; /* in_high: octets of `in` that were ever written */
	char *out;                     /* STREAM_OUT octets, owned */
	size_t out_len;
	uint64_t received, sent; /* octets so far, without TLS */
	bool failed;
	bool at_once;              /* the socket functions don't block: -1, EAGAIN */
	struct stream_layer layer; /* functions NULL = none */
};

/*
 * FD: a connected, blocking socket; borrowed. A send without progress for IDLE_MS ends in STREAM_TIMEOUT. False with
 * errno.
 */
bool stream_init(struct stream *s, int fd, int64_t idle_ms);
void stream_free(struct stream *s);

/* Begins a phase of at most MS; 0 = limited only by idle_ms. */
void stream_deadline(struct stream *s, int64_t ms);

/*
 * While *HURRY (borrowed) is true no wait and no phase lasts longer than MS. Waits that have begun obey when the
 * process gets a signal that it handles: those for input at once, those for output at a second signal at least MS after
 * the first.
 */
void stream_hurry(struct stream *s, const _Atomic bool *hurry, int64_t ms);
bool stream_hurried(const struct stream *s);

/*
 * The next line of at most MAX octets (not counting its LF or CRLF), in the stream's buffer until the next call. *bare:
 * it ended with LF alone or has a CR elsewhere. Sends pending output first when it must wait. A longer line is skipped
 * within 1 MiB and the deadline, then STREAM_TOO_LONG; beyond 1 MiB it is STREAM_ERROR, EMSGSIZE. MAX is at most
 * STREAM_IN - 2.
 */
enum stream_result stream_line(struct stream *s, size_t max, struct span *line, bool *bare);

/*
 * The available input, at least one octet, which stays buffered; call stream_taken with the number used. Sends pending
 * output first when it must wait.
 */
enum stream_result stream_peek(struct stream *s, struct span *octets);
void stream_taken(struct stream *s, size_t n);

/* Input that was received but not taken: pipelined commands, or the start of a line. Valid until the next call. */
bool stream_pending(const struct stream *s);
struct span stream_received(const struct stream *s);

/*
 * Collects output, and sends it when the buffer is full. After a failed send (TIMEOUT, ERROR) nothing more is sent:
 * every further call is STREAM_ERROR, EPIPE. A time-out of reading does not affect sending, so a last reply can be
 * sent.
 */
enum stream_result stream_write(struct stream *s, struct span text);
enum stream_result stream_flush(struct stream *s);

/* Discards received input (STARTTLS). */
void stream_discard(struct stream *s);

/* Overwrites input that was taken, such as a password. Input not yet taken stays. */
void stream_wipe(struct stream *s);

/*
 * From now on everything goes through LAYER, whose context is borrowed until stream_free. Nothing may be pending in
 * either direction (stream_flush, stream_discard).
 */
void stream_set_layer(struct stream *s, const struct stream_layer *layer);

/* Whether the peer has sent nothing unread and has not closed. Input stays to be read. */
bool stream_silent(struct stream *s);

/*
 * Sends as much of TEXT as possible without blocking, bypassing stream_write (which must be flushed): the number of
 * octets, or -1 with EAGAIN (call again with the same octets) or another errno.
 */
ssize_t stream_send_now(struct stream *s, struct span text);

/*
 * For layers: the socket itself. Octets, 0 = end, or -1 with errno: ETIMEDOUT when idle_ms or the phase is over, EAGAIN
 * when it would block and s->at_once is set.
 */
ssize_t stream_socket_receive(struct stream *s, void *to, size_t size);
ssize_t stream_socket_send(struct stream *s, const void *from, size_t size);

#endif
