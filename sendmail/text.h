/*
 * The text of a message as local programs write it, with LF or CRLF, made what a message file has: every line end CRLF,
 * a bare CR too, and up to DOT_CR_RUN CR in front of a LF one. Finds the end that a line with a single dot makes. A
 * state machine over octets. Pure.
 */
#ifndef SENDMAIL_TEXT_H
#define SENDMAIL_TEXT_H

#include "common/mail/dot.h"

/* The CR that are held, as line ends, and a dot. */
enum { TEXT_EXTRA = 2 * DOT_CR_RUN + 1 };

enum text_dots {
	TEXT_DOTS_PLAIN, /* -i: a dot is a dot */
	TEXT_DOTS_END,   /* a single dot ends the message, others are text */
	TEXT_DOTS_SMTP   /* the same, and a dot in front of a line was put there by the client */
};

struct text_reader {
	enum text_dots dots;
	int state;    /* zeroed = at the beginning of a line */
	unsigned crs; /* CR that are taken and not yet written */
	bool ended;
};

/*
 * Reads from IN, writes to OUT, which must have room for 2 * in.len + TEXT_EXTRA octets; *out_len is what was written.
 * Returns how many octets were taken: all, unless the end was found (r->ended).
 */
size_t text_read(struct text_reader *r, struct span in, char *out, size_t *out_len);

/* The input is over: completes the last line with at most TEXT_EXTRA octets at OUT; returns how many. */
size_t text_end(struct text_reader *r, char *out);

#endif
