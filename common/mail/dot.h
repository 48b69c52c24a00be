/*
 * The end of data and the dots (RFC 5321 4.1.1.4, 4.5.2), both ways, as small state machines over octets. Pure.
 * Reading: only CRLF . CRLF ends a message. A bare LF or CR is counted and, with `repair`, made CRLF; otherwise it is
 * passed through and the caller refuses the message at its end. With `repair`, up to DOT_CR_RUN CR in front of a LF
 * are one line end, and each CR that no LF follows is one; LF . LF and its relatives still never end the message. Only
 * with `lf` does LF end a line, too.
 */
#ifndef COMMON_MAIL_DOT_H
#define COMMON_MAIL_DOT_H

#include "common/base/span.h"

enum {
	DOT_CR_RUN = 4, /* CR in front of one LF: text that was written twice in text mode has 2 */
	DOT_READ_EXTRA = 2 + 2 * (DOT_CR_RUN - 1)
};

struct dot_reader {
	int state;    /* zeroed = start of data */
	unsigned crs; /* CR that are taken and not yet written, beside the one of the state */
	bool repair;
	bool lf;    /* the client speaks LF in place of CRLF (with repair): its lines, and its last, may end so */
	bool plain; /* BDAT: dots are text, nothing here ends it */
	bool ended;
	uint64_t bare;   /* bare CR or LF seen */
	uint64_t octets; /* produced, for size limits */
};

/*
 * Reads from IN, writes unstuffed text to OUT, which must have room for 2 * in.len + DOT_READ_EXTRA octets. Returns
 * how many octets of IN were taken: all, unless the end of data was found (r->ended). *out_len tells what was written.
 */
size_t dot_read(struct dot_reader *r, struct span in, char *out, size_t *out_len);

/*
 * For `plain`, after the last chunk: a CR at its very end is a bare one (and, with `repair`, completed). Returns the
 * octets written to OUT, at most DOT_READ_EXTRA. A missing last line end is not added.
 */
size_t dot_read_end(struct dot_reader *r, char *out);

enum { DOT_LINE_MAX = 998 }; /* octets of a line, without CRLF: RFC 5321 4.5.3.1.6, RFC 5322 2.1.1 */

struct dot_writer {
	int state;       /* zeroed = start of data */
	size_t line_max; /* octets of a line, a dot put in front not counted; 0 = no bound, else at least 8 */
	size_t column;   /* octets of the line so far, where there is a bound */
	bool plain;      /* no dots: the text as the reader gets it, for a signature */
};

/*
 * Writes IN dot-stuffed, with every line end as CRLF (a bare LF or CR becomes CRLF: RFC 5321 2.3.8), to OUT, which must
 * have room for 2 * in.len + 2. A line longer than line_max is folded: CRLF and a blank go in after line_max octets,
 * and the blank counts for the next line. Returns the octets written. dot_write_end adds the missing CRLF and the final
 * dot (at most 5 octets). PLAIN: no dots are added, the final one included.
 */
size_t dot_write(struct dot_writer *w, struct span in, char *out);
size_t dot_write_end(struct dot_writer *w, char *out);

#endif
