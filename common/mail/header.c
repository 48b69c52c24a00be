#include "common/mail/header.h"

#include <string.h>

/* The position of the scan. A held line has not begun yet. */
enum { FIRST, LINE_START, IN_LINE };

/* The state of one call. */
struct run {
	struct header *h;
	const struct header_sink *sink;
	struct span rest; /* not examined yet */
	const char *kept; /* the text from here to `rest` is still to be written; NULL = none */
};

static void put(const struct run *r, struct span text)
{
	if (text.len)
		r->sink->put(r->sink->context, text);
}

static void put_kept(struct run *r)
{
	if (r->kept)
		put(r, (struct span){r->kept, (size_t)(r->rest.at - r->kept)});
	r->kept = NULL;
}

/* Keeps the line at `rest`, with BEFORE in front of it. */
static void keep(struct run *r, struct span before)
{
	struct span held = {r->h->held, r->h->held_len};
	if (before.len || held.len) {
		put_kept(r);
		put(r, before);
		put(r, held);
	}
	if (!r->kept)
		r->kept = r->rest.at;
}

static void put_missing(struct run *r)
{
	struct str *room = r->sink->room;
	if (!r->sink->complete)
		return;
	str_clear(room);
	completion_write(&r->h->seen, r->sink->complete, room);
	if (!room->len)
		return;
	put_kept(r);
	put(r, str_span(room));
}

static void end(struct run *r, struct span separator)
{
	put_missing(r);
	keep(r, separator);
	r->h->done = true;
}

static void take_field(struct run *r, struct span name)
{
	struct header *h = r->h;
	h->fields = true;
	h->received += span_equal_nocase(name, SPAN("received"));
	h->dropping = r->sink->complete && !completion_see(&h->seen, name);
	if (h->dropping)
		put_kept(r);
	else
		keep(r, (struct span){0});
}

static bool is_mailbox_line(const struct header *h, struct span line)
{
	return !h->fields && h->mailbox < FIELDS_MAILBOX_MAX && fields_mailbox_line(line);
}

/* LINE is enough of the line to tell that it is no field. */
static void take_other(struct run *r, enum fields_line kind, struct span line)
{
	bool folded = kind == FIELDS_LINE_FOLDED && r->h->fields;
	if (folded && !r->h->dropping)
		keep(r, (struct span){0});
	else if (kind == FIELDS_LINE_EMPTY)
		end(r, (struct span){0});
	else if (kind == FIELDS_LINE_TEXT && is_mailbox_line(r->h, line)) {
		r->h->mailbox++;
		keep(r, FIELDS_MAILBOX);
	} else if (!folded)
		end(r, SPAN("\r\n"));
}

/* LINE continues in the next piece. */
static void hold(struct run *r, struct span line)
{
	put_kept(r);
	if (!r->h->held_len)
		memcpy(r->h->held, line.at, line.len);
	r->h->held_len = line.len;
	r->rest = span_skip(r->rest, r->rest.len);
}

/* The start of the line at `rest`, joined with its part in an earlier piece as far as there is room. */
static struct span line_start(const struct run *r)
{
	struct header *h = r->h;
	size_t room = sizeof(h->held) - h->held_len;
	size_t n = r->rest.len < room ? r->rest.len : room;
	if (!h->held_len)
		return r->rest;
	memcpy(h->held + h->held_len, r->rest.at, n);
	return (struct span){h->held, h->held_len + n};
}

static void note(const struct run *r, struct span text)
{
	if (r->h->noting)
		str_append(r->sink->from, text);
}

static void begin_line(struct run *r)
{
	struct header *h = r->h;
	struct span name, line = line_start(r);
	enum fields_line kind = fields_line(line, &name);
	if (kind == FIELDS_LINE_MORE) {
		hold(r, line);
		return;
	}
	if (kind == FIELDS_LINE_FIELD)
		take_field(r, name);
	else
		take_other(r, kind, line);
	if (kind != FIELDS_LINE_FOLDED)
		h->noting = r->sink->from && kind == FIELDS_LINE_FIELD && span_equal_nocase(name, SPAN("from"));
	note(r, (struct span){h->held, h->held_len});
	h->held_len = 0;
	h->state = IN_LINE;
}

/* Removes the byte order mark, if there is one. */
static void begin_message(struct run *r)
{
	struct header *h = r->h;
	struct span line = line_start(r);
	if (line.len < FIELDS_BOM.len && span_starts(FIELDS_BOM, line)) {
		hold(r, line);
		return;
	}
	h->state = LINE_START;
	if (!span_starts(line, FIELDS_BOM))
		return;
	r->rest = span_skip(r->rest, FIELDS_BOM.len - h->held_len);
	r->kept = r->rest.at;
	h->held_len = 0;
}

static void go_on_in_line(struct run *r)
{
	size_t at = span_find(r->rest, '\n');
	note(r, (struct span){r->rest.at, at < r->rest.len ? at + 1 : at});
	if (at < r->rest.len)
		r->h->state = LINE_START;
	r->rest = span_skip(r->rest, at + 1);
}

void header_pass(struct header *h, struct span piece, const struct header_sink *sink)
{
	struct run r = {h, sink, piece, h->dropping ? NULL : piece.at};
	while (r.rest.len && !h->done) {
		if (h->state == FIRST)
			begin_message(&r);
		else if (h->state == LINE_START)
			begin_line(&r);
		else
			go_on_in_line(&r);
	}
	if (h->done)
		h->dropping = false;
	r.rest = span_skip(r.rest, r.rest.len);
	put_kept(&r);
}

void header_end(struct header *h, const struct header_sink *sink)
{
	struct run r = {.h = h, .sink = sink};
	if (h->done)
		return;
	if (h->state == IN_LINE && !h->dropping)
		put(&r, SPAN("\r\n"));
	if (h->state == IN_LINE)
		note(&r, SPAN("\r\n"));
	if (h->held_len)
		end(&r, SPAN("\r\n"));
	else
		put_missing(&r);
	h->done = true;
}
