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

void text_stream_open_sent(struct text_stream *s, struct message_text *text, const struct send_as *rule)
{
	text_stream_open(s, text->fd);
	if (rule->address.len)
		(void)sent_header(text, rule, &s->header); /* otherwise the header is shown as it is */
	s->at = (off_t)text->at;
}

static void send_header(struct text_stream *s, struct str *to)
{
	struct span rest = span_skip(str_span(&s->header), s->header_sent);
	if (rest.len > PIECE)
		rest.len = PIECE;
	s->header_sent += rest.len;
	report_text(to, rest);
}

bool text_stream_go_on(struct text_stream *s, struct str *to)
{
	char piece[PIECE];
	if (to->len >= ENOUGH)
		return true;
	if (s->header_sent < s->header.len) {
		send_header(s, to);
		return true;
	}
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
	str_free(&s->header);
}
