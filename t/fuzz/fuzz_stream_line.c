/* Lines from a socket are read as they were sent, in order and within the bound, and `bare` is right. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The first line of *rest, found in another way than in stream.c. False if it is incomplete. */
static bool expected(struct span *rest, struct span *line, bool *bare)
{
	size_t end = span_find(*rest, '\n');
	if (end == rest->len)
		return false;
	*bare = end == 0 || rest->at[end - 1] != '\r';
	*line = (struct span){rest->at, *bare ? end : end - 1};
	*bare = *bare || span_find(*line, '\r') < line->len;
	*rest = span_skip(*rest, end + 1);
	return true;
}

static void compare(struct stream *s, struct span rest, size_t max)
{
	struct span want, line;
	bool want_bare, bare;
	while (expected(&rest, &want, &want_bare)) {
		enum stream_result result = stream_line(s, max, &line, &bare);
		must(result == (want.len > max ? STREAM_TOO_LONG : STREAM_OK));
		must(result != STREAM_OK || (span_equal(line, want) && bare == want_bare));
	}
	must(stream_line(s, max, &line, &bare) == STREAM_EOF);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];
	struct stream s;
	if (size < 1 || size > 64 * 1024 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 0;
	must(stream_init(&s, ends[0], 1000));
	struct span text = {(const char *)data + 1, size - 1};
	must(send(ends[1], text.at, text.len, 0) == (ssize_t)text.len);
	shutdown(ends[1], SHUT_WR);
	compare(&s, text, data[0]);
	stream_free(&s);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
