#include "sendmail/text.h"

enum { LINE_START, AFTER_DOT, IN_LINE, AFTER_CR };

static size_t line_end(char *out)
{
	out[0] = '\r';
	out[1] = '\n';
	return 2;
}

/* The pending CRs were not followed by LF. */
static size_t bare_crs(struct text_reader *r, char *out)
{
	size_t n = 0;
	for (; r->crs; r->crs--)
		n += line_end(out + n);
	return n;
}

static size_t hold_cr(struct text_reader *r, char *out)
{
	if (r->crs == DOT_CR_RUN)
		return line_end(out);
	r->crs++;
	return 0;
}

static size_t in_line(struct text_reader *r, char c, char *out)
{
	if (c == '\r') {
		r->state = AFTER_CR;
		return hold_cr(r, out);
	}
	r->state = c == '\n' ? LINE_START : IN_LINE;
	if (c == '\n')
		return line_end(out);
	out[0] = c;
	return 1;
}

static size_t after_cr(struct text_reader *r, char c, char *out)
{
	size_t n = 0;
	if (c == '\n')
		r->crs = 0;
	else if (c != '\r')
		n = bare_crs(r, out);
	return n + in_line(r, c, out + n);
}

static size_t at_start(struct text_reader *r, char c, char *out)
{
	if (c != '.' || r->dots == TEXT_DOTS_PLAIN)
		return in_line(r, c, out);
	r->state = AFTER_DOT;
	return 0;
}

/* The line began with a dot, possibly followed by CRs, and continues with C. */
static size_t after_dot(struct text_reader *r, char c, char *out)
{
	size_t n = 0;
	if (c == '\n') {
		r->ended = true;
		return 0;
	}
	if (c == '\r' && r->crs < DOT_CR_RUN)
		return hold_cr(r, out);
	if (r->dots == TEXT_DOTS_END)
		out[n++] = '.';
	return n + after_cr(r, c, out + n);
}

static size_t take(struct text_reader *r, char c, char *out)
{
	switch (r->state) {
	case LINE_START:
		return at_start(r, c, out);
	case AFTER_DOT:
		return after_dot(r, c, out);
	case AFTER_CR:
		return after_cr(r, c, out);
	default:
		return in_line(r, c, out);
	}
}

size_t text_read(struct text_reader *r, struct span in, char *out, size_t *out_len)
{
	size_t taken = 0;
	*out_len = 0;
	while (taken < in.len && !r->ended)
		*out_len += take(r, in.at[taken++], out + *out_len);
	return taken;
}

size_t text_end(struct text_reader *r, char *out)
{
	int state = r->state;
	r->state = LINE_START;
	if (r->ended || state == LINE_START || state == AFTER_DOT)
		return 0;
	return state == IN_LINE ? line_end(out) : bare_crs(r, out);
}
