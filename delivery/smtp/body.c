#include "delivery/smtp/body.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/mail/dot.h"
#include "delivery/smtp/lines.h"

/*
 * Waits until more can be sent. A host that replies before the end of data refuses the message. Input may be for the
 * TLS layer alone (session tickets), or may be in the TLS layer already.
 */
static enum body_result wait_for_room(struct client *c)
{
	struct pollfd pfd = {.fd = c->fd, .events = POLLIN | POLLOUT};
	int64_t left = c->stream.deadline - clock_mono_ms();
	if (c->channel.ssl && !client_silent(c))
		return BODY_INTERRUPTED;
	if (left <= 0 || poll(&pfd, 1, (int)left) == 0)
		return BODY_TOO_SLOW;
	bool spoke = pfd.revents & (POLLIN | POLLHUP | POLLERR) && !client_silent(c);
	return spoke ? BODY_INTERRUPTED : BODY_SENT;
}

/* An earlier reply of the host may give the reason. */
static enum body_result broken_off(struct client *c, int err)
{
	lines_unsent(c, err);
	return BODY_INTERRUPTED;
}

/* Each block is a phase of its own, for TLS too: a large message may take its time. */
static enum body_result send_block(struct client *c, struct span block, int64_t ms)
{
	stream_deadline(&c->stream, ms);
	enum body_result sent = stream_pending(&c->stream) && !client_silent(c) ? BODY_INTERRUPTED : BODY_SENT;
	while (block.len && sent == BODY_SENT) {
		ssize_t n = stream_send_now(&c->stream, block);
		if (n >= 0)
			block = span_skip(block, (size_t)n);
		else if (errno == EAGAIN)
			sent = wait_for_room(c);
		else
			sent = broken_off(c, errno);
	}
	return sent;
}

/* The message proper on its way: what goes in front of the file, then the file from AT on. */
struct source {
	struct span front;
	uint64_t at;
};

struct span body_read(struct client *c, const struct client_job *job, uint64_t at)
{
	size_t room = job->size - at < CLIENT_BLOCK ? (size_t)(job->size - at) : CLIENT_BLOCK;
	if (at < job->head.len) {
		struct span rest = span_skip(job->head, (size_t)at);
		return (struct span){rest.at, rest.len < room ? rest.len : room};
	}
	ssize_t n;
	do
		n = pread(job->message, c->in, room, (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = EPIPE;
	return (struct span){c->in, n > 0 ? (size_t)n : 0};
}

static struct span next_piece(struct client *c, const struct client_job *job, struct source *source)
{
	struct span piece = source->front;
	if (piece.len > CLIENT_BLOCK)
		piece.len = CLIENT_BLOCK;
	if (piece.len) {
		source->front = span_skip(source->front, piece.len);
		return piece;
	}
	piece = body_read(c, job, source->at);
	source->at += piece.len;
	return piece;
}

static bool is_over(const struct client_job *job, const struct source *source)
{
	return !source->front.len && source->at >= job->size;
}

/*
 * The final dot goes with the last block, so a message of one block is one write. Between blocks we check for input: a
 * reply before the end of data must not be taken for the reply to the message.
 */
static enum body_result send_all(struct client *c, const struct client_job *job, struct source *source)
{
	struct dot_writer dot = {.line_max = job->fold_lines ? DOT_LINE_MAX : 0};
	uint64_t octets = 0;
	enum body_result sent = BODY_SENT;
	do {
		struct span piece = next_piece(c, job, source);
		if (!piece.len && !is_over(job, source))
			return BODY_UNREADABLE;
		size_t len = dot_write(&dot, piece, c->out);
		if (is_over(job, source))
			len += dot_write_end(&dot, c->out + len);
		octets += len;
		sent = send_block(c, (struct span){c->out, len}, client_timeout(c, job));
		if (sent == BODY_SENT && !is_over(job, source) && !client_silent(c))
			sent = BODY_INTERRUPTED;
	} while (sent == BODY_SENT && !is_over(job, source));
	if (sent == BODY_SENT)
		transcript_sent_text(&c->transcript, octets);
	return sent;
}

enum body_result body_send(struct client *c, const struct client_job *job)
{
	struct source source = {str_span(&c->outgoing.front), c->outgoing.at};
	return send_all(c, job, &source);
}
