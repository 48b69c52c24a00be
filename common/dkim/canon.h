/*
 * Canonicalization of DKIM (RFC 6376 3.4): the form of a message that is hashed. A message has CRLF as its line ends
 * here; a CR or LF alone is an octet of its line. Pure; unchanged text is not copied.
 */
#ifndef COMMON_DKIM_CANON_H
#define COMMON_DKIM_CANON_H

#include "common/base/span.h"

enum dkim_canon { DKIM_RELAXED, DKIM_SIMPLE };

/* As c= says it: "relaxed". */
const char *dkim_canon_word(enum dkim_canon how);

/* Where the octets go. */
struct dkim_canon_sink {
	void (*put)(void *context, struct span text);
	void *context;
};

/*
 * Writes one header field: its lines, with or without the last CRLF. The form of a field ends with CRLF, and that of
 * the DKIM-Signature field itself does not; so the caller adds the CRLF.
 */
void dkim_canon_field(enum dkim_canon how, struct span field, const struct dkim_canon_sink *sink);

/* A body under way. */
struct dkim_canon_body {
	enum dkim_canon how; /* the other members are zero at first */
	bool cr;             /* the last octet was a CR */
	bool blank;          /* relaxed: there is white space that is not written yet */
	bool written;        /* something is written */
	uint64_t lines;      /* line ends that are not written yet; they precede the white space */
};

/* Takes the next piece, of any size. */
void dkim_canon_body(struct dkim_canon_body *body, struct span piece, const struct dkim_canon_sink *sink);

/* Ends the body. */
void dkim_canon_body_end(struct dkim_canon_body *body, const struct dkim_canon_sink *sink);

#endif
