#include "common/mail/header.h"

#include <string.h>

/* Where in a line the scan stands. */
enum { LINE_START, EMPTY_CR, NAME, REST };

static void end_name(struct header_scan *s)
{
	struct span name = {s->name, s->column};
	if (span_equal_nocase(name, SPAN("received")))
		s->received++;
	s->state = REST;
}

/* A name too long to be of interest is no name; blanks before the colon belong to neither. */
static void add_to_name(struct header_scan *s, char c)
{
	if (c == ' ' || c == '\t')
		return;
	if (s->column < sizeof(s->name))
		s->name[s->column++] = c;
	else
		s->state = REST;
}

static void add_octet(struct header_scan *s, char c)
{
	if (c == '\n') {
		s->done = s->state == LINE_START || s->state == EMPTY_CR;
		s->state = LINE_START;
		return;
	}
	if (s->state == LINE_START) {
		s->column = 0;
		s->state = c == '\r' ? EMPTY_CR : c == ' ' || c == '\t' ? REST : NAME;
	} else if (s->state == EMPTY_CR) {
		s->state = REST;
	}
	if (s->state == NAME && c == ':')
		end_name(s);
	else if (s->state == NAME)
		add_to_name(s, c);
}

void header_scan_add(struct header_scan *s, struct span piece)
{
	while (piece.len && !s->done) {
		if (s->state == REST)
			piece = span_skip(piece, span_find(piece, '\n'));
		if (piece.len)
			add_octet(s, piece.at[0]);
		piece = span_skip(piece, 1);
	}
}

static bool is_continuation(struct span text)
{
	return text.len && (text.at[0] == ' ' || text.at[0] == '\t');
}

static struct span trim_line_ends(struct span s)
{
	while (s.len && strchr(" \t\r\n", s.at[s.len - 1]) && s.at[s.len - 1])
		s.len--;
	while (s.len && strchr(" \t\r\n", s.at[0]) && s.at[0])
		s = span_skip(s, 1);
	return s;
}

bool header_find(struct span head, struct span name, struct span *value)
{
	struct span line;
	while (span_line(&head, &line) && line.len) {
		size_t colon = span_find(line, ':');
		struct span field = span_trim((struct span){line.at, colon});
		if (colon == line.len || is_continuation(line) || !span_equal_nocase(field, name))
			continue;
		const char *start = line.at + colon + 1;
		const char *end = line.at + line.len;
		while (is_continuation(head) && span_line(&head, &line))
			end = line.at + line.len;
		*value = trim_line_ends((struct span){start, (size_t)(end - start)});
		return true;
	}
	return false;
}
