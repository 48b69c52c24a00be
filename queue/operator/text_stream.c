#include "queue/operator/text_stream.h"

#include <errno.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "queue/operator/report.h"

enum { PIECE = 32 * 1024, ENOUGH = 64 * 1024 };

void text_stream_open(struct text_stream *p, int fd)
{
	*p = (struct text_stream){.fd = fd};
}

bool text_stream_go_on(struct text_stream *p, struct str *to)
{
	char piece[PIECE];
	if (to->len >= ENOUGH)
		return true;
	ssize_t got = pread(p->fd, piece, sizeof(piece), p->at);
	if (got < 0 && errno == EINTR)
		return true;
	p->failed = got < 0;
	if (got <= 0)
		return false;
	p->at += got;
	report_text(to, (struct span){piece, (size_t)got});
	return true;
}

void text_stream_close(struct text_stream *p)
{
	if (p->fd)
		fd_close(&p->fd);
	p->fd = 0;
}
