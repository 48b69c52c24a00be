/*
 * SMTP replies of remote hosts, and enhanced status codes (RFC 5321 4.2, RFC 3463). Pure. Text from a peer is cleaned
 * here: printable ASCII, everything else as '?', at most REPLY_TEXT_MAX octets kept.
 */
#ifndef COMMON_MAIL_REPLY_H
#define COMMON_MAIL_REPLY_H

#include "common/base/span.h"

enum {
	REPLY_LINE_MAX = 12288, /* longest line: a challenge of AUTH (RFC 4954 4); RFC 5321 4.5.3.1.5 says 512 */
	REPLY_LINES_MAX = 128,  /* lines of one reply; the EHLO reply of a large host has 20 */
	REPLY_TEXT_MAX = 512
};

struct enhanced {
	uint8_t class;    /* 2, 4, 5; 0 = none given */
	uint16_t subject; /* 0 to 999 */
	uint16_t detail;
};

struct reply {
	int code;                      /* 200 to 599; of the last line */
	struct enhanced enhanced;      /* of the last line that had one */
	char text[REPLY_TEXT_MAX + 1]; /* the lines' texts joined by a blank, without code and enhanced code */
	size_t text_len;
	unsigned lines;   /* number so far */
	unsigned strange; /* lines before and between them that are invalid */
	bool complete;
};

/*
 * Adds one line (without CRLF) to *r, which is zeroed at first. False: it is no reply line, or one too many.
 * r->complete: it was the last line, whose code counts when earlier lines have another one.
 */
bool reply_add_line(struct reply *r, struct span line);

/* Adds the text of an invalid LINE (an empty one has none). False: one too many. */
bool reply_add_strange(struct reply *r, struct span line);

/* TEXT, which is a reply's, has WORDS in it; case does not count. */
bool reply_says(struct span text, const char *words);

/* Whether a line of the reply has come. */
bool reply_begun(const struct reply *r);

/* Parses "4.2.0" at the front of TEXT; *rest is the text after it and one blank. */
bool enhanced_parse(struct span text, struct enhanced *out, struct span *rest);

enum { ENHANCED_TEXT_MAX = 12 };
void enhanced_format(struct enhanced e, char *to); /* "" when class is 0 */

#endif
