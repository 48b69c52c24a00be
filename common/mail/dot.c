#include "common/mail/dot.h"

#include <string.h>

/*
 * The states of a reader between two octets. Octets in brackets are read but not written yet.
 *
 *	state       so far          CR         LF                 dot       other
 *	START       CRLF, or none   CR         bare LF -> TEXT    DOT       TEXT
 *	TEXT        text            CR         bare LF -> TEXT    TEXT      TEXT
 *	CR          text CR         bare CR *  CRLF -> START      bare CR, then as TEXT
 *	DOT         CRLF [.]        DOT_CR     as TEXT, the dot dropped
 *	DOT_CR      CRLF [.CR]      bare CR    ended              bare CR, then as TEXT
 *
 * After a bare line end, repaired or not, no line starts: a dot there is text. With `lf` a bare LF counts as CRLF: it
 * leads to START, and after DOT it ends the data. (*) When bare line ends are repaired the CR is held: it belongs to a
 * following LF; without one it is a bare CR.
 */
enum { START, TEXT, CR, DOT, DOT_CR };

enum { WORD = sizeof(uint64_t) };
static const uint64_t ones = 0x0101010101010101;
static const uint64_t tops = 0x8080808080808080;

/* Not zero when an octet of WORD equals OCTET. */
static uint64_t has_octet(uint64_t word, char octet)
{
	uint64_t difference = word ^ (ones * (unsigned char)octet);
	return (difference - ones) & ~difference & tops;
}

/* Copies the part of IN before its first CR or LF, a word at a time; returns its length. */
static size_t copy_run(struct span in, char *out)
{
	size_t i = 0;
	for (; i + WORD <= in.len; i += WORD) {
		uint64_t word;
		memcpy(&word, in.at + i, WORD);
		if (has_octet(word, '\r') | has_octet(word, '\n'))
			break;
		memcpy(out + i, &word, WORD);
	}
	for (; i < in.len && in.at[i] != '\r' && in.at[i] != '\n'; i++)
		out[i] = in.at[i];
	return i;
}

/* No LF followed the last CR, nor the held ones. */
static char *bare_cr(struct dot_reader *r, char *out)
{
	r->bare++;
	if (r->repair)
		*out++ = '\n';
	for (; r->crs; r->crs--) {
		*out++ = '\r';
		*out++ = '\n';
	}
	r->state = TEXT;
	return out;
}

/* A CR behind a CR. */
static char *second_cr(struct dot_reader *r, char *out)
{
	r->bare++;
	if (r->repair && r->crs < DOT_CR_RUN - 1) {
		r->crs++;
		return out;
	}
	if (r->repair)
		*out++ = '\n';
	*out++ = '\r';
	return out;
}

static char *read_cr(struct dot_reader *r, char *out)
{
	if (r->state == DOT) {
		r->state = DOT_CR;
		return out;
	}
	bool second = r->state == CR || r->state == DOT_CR;
	if (!second || r->state == DOT_CR)
		*out++ = '\r';
	r->state = CR;
	return second ? second_cr(r, out) : out;
}

static char *read_lf(struct dot_reader *r, char *out)
{
	if (r->state == DOT_CR || (r->state == DOT && r->lf)) {
		r->ended = true;
		return out;
	}
	if (r->state == CR) {
		*out++ = '\n';
		r->crs = 0;
		r->state = START;
		return out;
	}
	r->bare++;
	if (r->repair)
		*out++ = '\r';
	*out++ = '\n';
	r->state = r->lf ? START : TEXT;
	return out;
}

/* Brings the state to TEXT before an octet that is neither CR nor LF; true when that octet is a dot to be held. */
static bool enter_text(struct dot_reader *r, char next, char **out)
{
	if (r->state == DOT_CR)
		*(*out)++ = '\r';
	if (r->state == CR || r->state == DOT_CR)
		*out = bare_cr(r, *out);
	bool held = r->state == START && next == '.' && !r->plain;
	r->state = held ? DOT : TEXT;
	return held;
}

size_t dot_read(struct dot_reader *r, struct span in, char *out, size_t *out_len)
{
	char *to = out;
	size_t at = 0;
	while (at < in.len && !r->ended) {
		char next = in.at[at];
		if (next == '\r') {
			to = read_cr(r, to);
			at++;
		} else if (next == '\n') {
			to = read_lf(r, to);
			at++;
		} else if (enter_text(r, next, &to)) {
			at++;
		} else {
			size_t run = copy_run(span_skip(in, at), to);
			to += run;
			at += run;
		}
	}
	*out_len = (size_t)(to - out);
	r->octets += *out_len;
	return at;
}

size_t dot_read_end(struct dot_reader *r, char *out)
{
	if (r->state != CR)
		return 0;
	size_t len = (size_t)(bare_cr(r, out) - out);
	r->octets += len;
	return len;
}

/* Copies the part of IN that fits on the line; folds first if the line is full. Returns the length of that part. */
static size_t write_run(struct dot_writer *w, struct span in, char **to)
{
	if (w->line_max && w->column == w->line_max) {
		memcpy(*to, "\r\n ", 3);
		*to += 3;
		w->column = 1;
	}
	size_t room = w->line_max - w->column;
	if (w->line_max && in.len > room)
		in.len = room;
	size_t run = copy_run(in, *to);
	*to += run;
	w->column += w->line_max ? run : 0;
	return run;
}

size_t dot_write(struct dot_writer *w, struct span in, char *out)
{
	char *to = out;
	size_t at = 0;
	while (at < in.len) {
		char next = in.at[at];
		if (next == '\r' || next == '\n' || w->state == CR)
			w->column = 0;
		if (w->state == CR) {
			*to++ = '\n';
			w->state = START;
			at += next == '\n';
		} else if (next == '\r') {
			*to++ = '\r';
			w->state = CR;
			at++;
		} else if (next == '\n') {
			*to++ = '\r';
			*to++ = '\n';
			w->state = START;
			at++;
		} else {
			if (w->state == START && next == '.' && !w->plain)
				*to++ = '.';
			w->state = TEXT;
			at += write_run(w, span_skip(in, at), &to);
		}
	}
	return (size_t)(to - out);
}

size_t dot_write_end(struct dot_writer *w, char *out)
{
	static const struct span endings[] = {
		[START] = SPAN(".\r\n"), [TEXT] = SPAN("\r\n.\r\n"), [CR] = SPAN("\n.\r\n")};
	struct span ending = endings[w->state];
	if (w->plain)
		ending.len -= SPAN(".\r\n").len;
	memcpy(out, ending.at, ending.len);
	w->state = START;
	return ending.len;
}
