#include "common/spool/sent_header.h"

#include <errno.h>
#include <unistd.h>

#include "common/mail/fields.h"

enum { PIECE = 16 * 1024 };

/* Appends the octets from AT on to RAW, first from memory, then from the file. False: there are none, or no room. */
static bool read_piece(const struct message_text *text, uint64_t at, struct str *raw)
{
	char piece[PIECE];
	size_t room = text->size - at < PIECE ? (size_t)(text->size - at) : PIECE;
	if (at < text->head.len) {
		struct span rest = span_skip(text->head, (size_t)at);
		return str_append(raw, (struct span){rest.at, rest.len < room ? rest.len : room});
	}
	ssize_t n;
	do
		n = pread(text->fd, piece, room, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n > 0 && str_append(raw, (struct span){piece, (size_t)n});
}

/* The message proper up to the end of its header at least, in RAW. */
static bool read_header(const struct message_text *text, struct str *raw, size_t *end)
{
	while (!fields_end(str_span(raw), text->at + raw->len >= text->size, end)) {
		if (!read_piece(text, text->at + raw->len, raw))
			return false;
	}
	return true;
}

bool sent_header(struct message_text *text, const struct send_as *rule, struct str *to)
{
	struct str raw;
	size_t end = 0;
	str_init(&raw, SEND_AS_HEADER_MAX);
	str_init(to, SEND_AS_HEADER_MAX + 4 * SEND_AS_NAME_MAX);
	bool done = read_header(text, &raw, &end);
	if (done && rule->address.len)
		send_as_rewrite((struct span){raw.at, end}, rule, to);
	else if (done)
		str_append(to, (struct span){raw.at, end});
	done = done && !to->failed;
	if (done)
		text->at += end;
	else
		str_clear(to);
	str_free(&raw);
	return done;
}
