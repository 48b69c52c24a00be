/* The header section of a message, looked at line by line as octets pass: counts that limits need. Pure, constant
 * memory. */
#ifndef COMMON_MAIL_HEADER_H
#define COMMON_MAIL_HEADER_H

#include "common/base/span.h"

struct header_scan {
	int state; /* zeroed = before the first octet */
	size_t column;
	char name[16];     /* start of the current field's name */
	unsigned received; /* Received: fields, for the hop limit (RFC 5321 6.3) */
	bool done;         /* the empty line was seen */
};

/* Takes the next piece of a message (CRLF line ends), in pieces of any size. */
void header_scan_add(struct header_scan *s, struct span piece);

/* The value of field NAME (without colon) in HEAD, unfolded lines kept as they are, blanks trimmed; false when absent.
 */
bool header_find(struct span head, struct span name, struct span *value);

#endif
