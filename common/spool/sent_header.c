#include "common/spool/sent_header.h"

#include <errno.h>
#include <unistd.h>

#include "common/mail/fields.h"

enum { PIECE = 16 * 1024 };

static int room_error(const struct str *s)
{
	return s->no_memory ? -ENOMEM : -EFBIG;
}

/* Appends the octets from AT on to RAW, first from memory, then from the file. 0 or -errno. */
static int read_piece(const struct message_text *text, uint64_t at, struct str *raw)
{
	char piece[PIECE];
	size_t room = text->size - at < PIECE ? (size_t)(text->size - at) : PIECE;
	if (at < text->head.len) {
		struct span rest = span_skip(text->head, (size_t)at);
		return str_append(raw, (struct span){rest.at, rest.len < room ? rest.len : room}) ? 0 : room_error(raw);
	}
	ssize_t n;
	do
		n = pread(text->fd, piece, room, (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	return str_append(raw, (struct span){piece, (size_t)n}) ? 0 : room_error(raw);
}

/* The message proper up to the end of its header at least, in RAW. 0 or -errno. */
static int read_header(const struct message_text *text, struct str *raw, size_t *end)
{
	int err = 0;
	while (!err && !fields_end(str_span(raw), text->at + raw->len >= text->size, end))
		err = read_piece(text, text->at + raw->len, raw);
	return err;
}

int sent_header(struct message_text *text, const struct send_as *rule, struct str *to)
{
	struct str raw;
	size_t end = 0;
	str_init(&raw, SEND_AS_HEADER_MAX);
	str_init(to, SEND_AS_HEADER_MAX + 4 * SEND_AS_NAME_MAX);
	int err = read_header(text, &raw, &end);
	if (!err && rule->address.len)
		send_as_rewrite((struct span){raw.at, end}, rule, to);
	else if (!err)
		str_append(to, (struct span){raw.at, end});
	if (!err && to->failed)
		err = room_error(to);
	if (err)
		str_clear(to);
	else
		text->at += end;
	str_free(&raw);
	return err;
}
