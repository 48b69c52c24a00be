#include "common/net/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/base/clock.h"

enum {
	SKIP_MAX = 1024 * 1024,               /* octets skipped of a line beyond its limit */
	SEND_MAX = 64 * 1024,                 /* in one send */
	TIMEOUT_MAX_MS = 24 * 60 * 60 * 1000, /* the longest kernel time-out; longer waits repeat it */
	TIMEOUT_SLACK = 8 /* a wait may end 1/8 of its length late before the kernel's time-out is set again */
};

static int64_t later(int64_t now, int64_t ms)
{
	return ms >= INT64_MAX - now ? INT64_MAX : now + ms;
}

static int set_timeout(int fd, int option, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
}

static int64_t bounded_timeout(int64_t ms)
{
	return ms < TIMEOUT_MAX_MS ? ms : TIMEOUT_MAX_MS;
}

bool stream_init(struct stream *s, int fd, int64_t idle_ms)
{
	*s = (struct stream){.fd = fd, .idle_ms = idle_ms, .deadline = INT64_MAX};
	s->in = malloc(STREAM_IN);
	s->out = malloc(STREAM_OUT);
	if (s->in && s->out && set_timeout(fd, SO_SNDTIMEO, bounded_timeout(idle_ms)) == 0)
		return true;
	stream_free(s);
	return false;
}

void stream_free(struct stream *s)
{
	free(s->in);
	free(s->out);
	s->in = s->out = NULL;
	s->in_at = s->in_end = s->out_len = 0;
}

void stream_deadline(struct stream *s, int64_t ms)
{
	s->began = clock_mono_ms();
	s->deadline = ms ? later(s->began, ms) : INT64_MAX;
}

void stream_hurry(struct stream *s, const _Atomic bool *hurry, int64_t ms)
{
	s->hurry = hurry;
	s->hurry_ms = ms;
}

bool stream_hurried(const struct stream *s)
{
	return s->hurry && atomic_load_explicit(s->hurry, memory_order_relaxed);
}

static enum stream_result send_failed(struct stream *s, enum stream_result result)
{
	s->failed = true;
	s->out_len = 0;
	return result;
}

/* The same for a send that is hurried repeatedly; *since: the first time, 0 = not yet. Keeps errno. */
static bool hurry_is_over(const struct stream *s, int64_t *since)
{
	int64_t now = clock_mono_ms();
	if (!stream_hurried(s))
		return false;
	if (!*since)
		*since = now;
	return now - *since >= s->hurry_ms;
}

/*
 * A peer that takes a little now and then never runs into SO_SNDTIMEO, so the phase ends it: a send of several pieces
 * comes here for each. A send that begins after the end of the phase (421 after a time-out) is done if it does not
 * block.
 */
ssize_t stream_socket_send(struct stream *s, const void *from, size_t size)
{
	size_t piece = size < SEND_MAX ? size : SEND_MAX;
	int64_t hurried_at = 0;
	for (;;) {
		ssize_t n = send(s->fd, from, piece, MSG_NOSIGNAL | (s->at_once ? MSG_DONTWAIT : 0));
		if (n >= 0)
			return n;
		if (errno == EINTR && !hurry_is_over(s, &hurried_at))
			continue;
		if (errno == EINTR || (errno == EAGAIN && !s->at_once))
			errno = ETIMEDOUT;
		return -1;
	}
}

static ssize_t send_some(struct stream *s, struct span text)
{
	size_t piece = text.len < SEND_MAX ? text.len : SEND_MAX;
	ssize_t n = s->layer.send ? s->layer.send(s->layer.context, text.at, piece)
				  : stream_socket_send(s, text.at, text.len);
	s->sent += n > 0 ? (size_t)n : 0;
	return n;
}

static enum stream_result send_all(struct stream *s, struct span text)
{
	int64_t began = s->deadline == INT64_MAX ? 0 : clock_mono_ms();
	while (text.len) {
		ssize_t n = send_some(s, text);
		if (n < 0)
			return send_failed(s, errno == ETIMEDOUT ? STREAM_TIMEOUT : STREAM_ERROR);
		text.at += n;
		text.len -= (size_t)n;
		bool in_time = began < s->deadline && text.len == 0;
		if ((text.len || in_time) && s->deadline != INT64_MAX && clock_mono_ms() >= s->deadline)
			return send_failed(s, STREAM_TIMEOUT);
	}
	return STREAM_OK;
}

ssize_t stream_send_now(struct stream *s, struct span text)
{
	s->at_once = true;
	ssize_t n = send_some(s, text);
	s->at_once = false;
	return n;
}

enum stream_result stream_flush(struct stream *s)
{
	struct span text = {s->out, s->out_len};
	if (s->failed) {
		errno = EPIPE;
		return STREAM_ERROR;
	}
	s->out_len = 0;
	return send_all(s, text);
}

enum stream_result stream_write(struct stream *s, struct span text)
{
	if (s->failed || text.len > STREAM_OUT - s->out_len) {
		enum stream_result result = stream_flush(s);
		if (result != STREAM_OK)
			return result;
	}
	if (text.len >= STREAM_OUT)
		return send_all(s, text);
	if (text.len)
		memcpy(s->out + s->out_len, text.at, text.len);
	s->out_len += text.len;
	return STREAM_OK;
}

/* A time-out that is too short is corrected only when a wait proves long (EXACT): most waits are short. */
static bool fit_timeout(struct stream *s, int64_t left, bool exact)
{
	bool too_long = s->timeout_set == 0 || s->timeout_set - left > left / TIMEOUT_SLACK;
	if (!too_long && !(exact && s->timeout_set < left))
		return true;
	s->timeout_set = left;
	return set_timeout(s->fd, SO_RCVTIMEO, left) == 0;
}

static void make_room(struct stream *s)
{
	if (s->in_at == s->in_end) {
		s->in_at = s->in_end = 0;
	} else if (s->in_end == STREAM_IN) {
		memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
		s->in_end -= s->in_at;
		s->in_at = 0;
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The end of a wait that began at SINCE. */
static int64_t end_of_wait(const struct stream *s, int64_t since)
{
	int64_t end = earlier(later(since, s->idle_ms), s->deadline);
	return stream_hurried(s) ? earlier(end, earlier(since, s->began) + s->hurry_ms) : end;
}

ssize_t stream_socket_receive(struct stream *s, void *to, size_t size)
{
	if (s->at_once)
		return recv(s->fd, to, size, MSG_DONTWAIT);
	int64_t now = clock_mono_ms(), since = now, end;
	for (bool exact = false; now < (end = end_of_wait(s, since)); exact = true, now = clock_mono_ms()) {
		if (!fit_timeout(s, bounded_timeout(end - now), exact))
			return -1;
		ssize_t n = recv(s->fd, to, size, 0);
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
	}
	errno = ETIMEDOUT;
	return -1;
}

/* The caller makes sure that less than STREAM_IN octets are buffered. */
static ssize_t receive_some(struct stream *s)
{
	make_room(s);
	char *to = s->in + s->in_end;
	size_t room = STREAM_IN - s->in_end;
	ssize_t n =
		s->layer.receive ? s->layer.receive(s->layer.context, to, room) : stream_socket_receive(s, to, room);
	if (n > 0)
		s->in_end += (size_t)n;
	s->received += n > 0 ? (size_t)n : 0;
	if (s->in_high < s->in_end)
		s->in_high = s->in_end;
	return n;
}

/* Receives at least one octet. */
static enum stream_result receive(struct stream *s)
{
	enum stream_result result = s->out_len ? stream_flush(s) : STREAM_OK;
	if (result != STREAM_OK)
		return result;
	ssize_t n = receive_some(s);
	if (n > 0)
		return STREAM_OK;
	if (n == 0)
		return STREAM_EOF;
	return errno == ETIMEDOUT ? STREAM_TIMEOUT : STREAM_ERROR;
}

bool stream_silent(struct stream *s)
{
	if (stream_pending(s))
		return false;
	s->at_once = true;
	ssize_t n = receive_some(s);
	s->at_once = false;
	return n < 0 && errno == EAGAIN;
}

void stream_wipe(struct stream *s)
{
	explicit_bzero(s->in, s->in_at);
	explicit_bzero(s->in + s->in_end, s->in_high - s->in_end);
	s->in_high = s->in_end;
}

void stream_set_layer(struct stream *s, const struct stream_layer *layer)
{
	s->layer = *layer;
}

static enum stream_result skip_line(struct stream *s)
{
	size_t skipped = 0;
	for (;;) {
		size_t len = s->in_end - s->in_at;
		char *end = memchr(s->in + s->in_at, '\n', len);
		if (end) {
			s->in_at = (size_t)(end + 1 - s->in);
			return STREAM_TOO_LONG;
		}
		s->in_at = s->in_end;
		skipped += len;
		if (skipped > SKIP_MAX) {
			errno = EMSGSIZE;
			return STREAM_ERROR;
		}
		enum stream_result result = receive(s);
		if (result != STREAM_OK)
			return result;
	}
}

/* The LF of the next line, within the limit; NULL when it has not come yet. */
static char *find_end(const struct stream *s, size_t *searched)
{
	size_t have = s->in_end - s->in_at;
	char *end = memchr(s->in + s->in_at + *searched, '\n', have - *searched);
	*searched = have;
	return end;
}

enum stream_result stream_line(struct stream *s, size_t max, struct span *line, bool *bare)
{
	size_t searched = 0;
	char *end;
	if (max > STREAM_IN - 2)
		max = STREAM_IN - 2;
	while (!(end = find_end(s, &searched))) {
		if (searched >= max + 2)
			return skip_line(s);
		enum stream_result result = receive(s);
		if (result != STREAM_OK)
			return result;
	}
	char *begin = s->in + s->in_at;
	bool crlf = end > begin && end[-1] == '\r';
	*line = (struct span){begin, (size_t)(end - begin) - crlf};
	s->in_at += (size_t)(end + 1 - begin);
	*bare = !crlf || memchr(line->at, '\r', line->len);
	return line->len > max ? STREAM_TOO_LONG : STREAM_OK;
}

enum stream_result stream_peek(struct stream *s, struct span *octets)
{
	enum stream_result result = stream_pending(s) ? STREAM_OK : receive(s);
	*octets = stream_received(s);
	return result;
}

void stream_taken(struct stream *s, size_t n)
{
	s->in_at += n;
}

bool stream_pending(const struct stream *s)
{
	return s->in_at < s->in_end;
}

struct span stream_received(const struct stream *s)
{
	return (struct span){s->in + s->in_at, s->in_end - s->in_at};
}

void stream_discard(struct stream *s)
{
	s->in_at = s->in_end = 0;
}
