/* A stream with the test as its peer, over a socket pair. */
#ifndef T_UNIT_STREAM_FIXTURE_H
#define T_UNIT_STREAM_FIXTURE_H

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/stream.h"
#include "t/unit/suite.h"

static struct stream s;
static int ours, peer;

static inline void open_stream(int64_t idle_ms)
{
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ours = ends[0];
	peer = ends[1];
	ck_assert(stream_init(&s, ours, idle_ms));
}

static inline void close_stream(void)
{
	stream_free(&s);
	close(ours);
	close(peer);
}

static inline void setup(void)
{
	open_stream(5000);
}

static inline void say(const char *octets, size_t len)
{
	ck_assert_int_eq(send(peer, octets, len, MSG_NOSIGNAL), (ssize_t)len);
}

#define SAY(literal) say(literal, sizeof(literal) - 1)

static inline void expect_line(size_t max, struct span want, bool want_bare)
{
	struct span line;
	bool bare;
	ck_assert_int_eq(stream_line(&s, max, &line, &bare), STREAM_OK);
	ck_assert_uint_eq(line.len, want.len);
	ck_assert_mem_eq(line.at, want.at, want.len);
	ck_assert_int_eq(bare, want_bare);
}

static inline enum stream_result read_line(size_t max)
{
	struct span line;
	bool bare;
	return stream_line(&s, max, &line, &bare);
}

static inline struct span heard(void)
{
	static char text[4096];
	ssize_t n = recv(peer, text, sizeof(text), MSG_DONTWAIT);
	return (struct span){text, n > 0 ? (size_t)n : 0};
}

#endif
