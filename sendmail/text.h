/*
 * Converts the text of local programs, with LF or CRLF, to the form of a message file: every line ends in CRLF; a bare
 * CR is a line end, too, and up to DOT_CR_RUN CRs before LF are one with it. Finds the end, a line with a single dot. A
 * state machine over octets. Pure.
 */
#ifndef SENDMAIL_TEXT_H
#define SENDMAIL_TEXT_H

#include "common/mail/dot.h"

/* The pending CRs as line ends, and a dot. */
enum { TEXT_EXTRA = 2 * DOT_CR_RUN + 1 };

enum text_dots {
	TEXT_DOTS_PLAIN, /* -i: a dot is text */
	TEXT_DOTS_END,   /* a single dot ends the message, other dots are text */
	TEXT_DOTS_SMTP   /* the same, and a dot at the start of a line is removed (dot-stuffing) */
};

struct text_reader {
	enum text_dots dots;
	int state;    /* zeroed = at the beginning of a line */
	unsigned crs; /* CRs that were read but not written yet */
	bool ended;
};

/*
 * Reads from IN, writes to OUT, which needs room for 2 * in.len + TEXT_EXTRA octets; *out_len is the number written.
 * Returns how many octets were taken: all, unless the end was found (r->ended).
 */
size_t text_read(struct text_reader *r, struct span in, char *out, size_t *out_len);

/* The input is over: completes the last line with at most TEXT_EXTRA octets at OUT. Returns their number. */
size_t text_end(struct text_reader *r, char *out);

#endif
