#include "smtpd/pickup/stuffing.h"

enum { LINE_START, IN_DOTS, IN_LINE };

/* NEXT follows the dots at the start of a line; '\n' stands for the end of the line. */
static void count(struct stuffing *s, char next)
{
	bool path = next == '/' || next == '\\';
	if (s->dots == 1)
		s->single++;
	else if (s->dots == 3 || (s->dots == 2 && path))
		s->plain++;
	else if (s->dots == 2 || s->dots == 4)
		s->doubled++;
	s->dots = 0;
	s->state = IN_LINE;
}

static void look_at(struct stuffing *s, char c)
{
	if (s->state == LINE_START)
		s->state = c == '.' ? IN_DOTS : IN_LINE;
	if (s->state == IN_DOTS && c == '.')
		s->dots += s->dots < 5;
	else if (s->state == IN_DOTS)
		count(s, c == '\r' ? '\n' : c);
	if (c == '\n') {
		s->bare += s->last != '\r';
		s->state = LINE_START;
	}
	s->last = c;
}

void stuffing_look(struct stuffing *s, struct span piece)
{
	while (piece.len) {
		size_t skip = s->state == IN_LINE ? span_find(piece, '\n') : 0;
		if (skip) {
			s->last = piece.at[skip - 1];
			piece = span_skip(piece, skip);
		}
		if (piece.len)
			look_at(s, piece.at[0]);
		piece = span_skip(piece, 1);
	}
}

void stuffing_look_end(struct stuffing *s)
{
	if (s->state == IN_DOTS)
		count(s, '\n');
}

bool stuffing_found(const struct stuffing *s)
{
	return !s->single && !s->bare && s->doubled > s->plain;
}

size_t unstuffing_take(struct unstuffing *u, struct span in, char *out)
{
	size_t len = 0;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];
		if (u->within || c != '.')
			out[len++] = c;
		u->within = c != '\n';
	}
	return len;
}
