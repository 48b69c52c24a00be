#include "queue/operator/text_stream.h"

#include <errno.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "queue/operator/report.h"

enum { PIECE = 32 * 1024, ENOUGH = 64 * 1024 };

void text_stream_open(struct text_stream *s, int fd)
{
	*s = (struct text_stream){.fd = fd};
}

bool text_stream_go_on(struct text_stream *s, struct str *to)
{
	char piece[PIECE];
	if (to->len >= ENOUGH)
		return true;
	ssize_t got = pread(s->fd, piece, sizeof(piece), s->at);
	if (got < 0 && errno == EINTR)
		return true;
	s->failed = got < 0;
	if (got <= 0)
		return false;
	s->at += got;
	report_text(to, (struct span){piece, (size_t)got});
	return true;
}

void text_stream_close(struct text_stream *s)
{
	if (s->fd)
		fd_close(&s->fd);
	s->fd = 0;
}
