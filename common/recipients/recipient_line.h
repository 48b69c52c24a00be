/*
 * The lines of a recipients file, whose syntax is in recipient_map.h: each has an address or a wildcard, and perhaps
 * the addresses to which it leads. Pure. For recipient_map.c.
 */
#ifndef COMMON_RECIPIENTS_RECIPIENT_LINE_H
#define COMMON_RECIPIENTS_RECIPIENT_LINE_H

#include "common/mail/address.h"

enum { RECIPIENT_KEY_MAX = ADDRESS_MAX + 1 };

/* "local NUL domain" in lower case without quotes. Either may be empty; both are for *. */
struct recipient_key {
	char text[RECIPIENT_KEY_MAX];
	size_t len;
};

/* Makes the key of up to LEN octets of LOCAL, without its quotes, and DOMAIN. */
void recipient_key_make(struct recipient_key *key, struct span local, size_t len, struct span domain);
struct span recipient_key_span(const struct recipient_key *key);

/* Iterates over the lines that are not blank and no comment, and numbers them. */
struct recipient_lines {
	struct span rest;
	unsigned number;
};

struct recipient_lines recipient_lines_of(struct span text);

/* *LINE is without blanks at its ends. False after the last. */
bool recipient_lines_next(struct recipient_lines *lines, struct span *line);

/* A line that counts. */
struct recipient_row {
	struct recipient_key key;
	struct span targets; /* what stands behind the colon */
	size_t target_count;
	size_t target_octets; /* of all targets together, without what separates them */
};

/* Reads LINE. NULL, or the fault as a phrase, with which the line does not count. */
const char *recipient_line_read(struct span line, struct recipient_row *row);

/* Takes the next target off *REST of `targets`; a separator in quotes is part of it. Empty at the end. */
struct span recipient_line_target(struct span *rest);

#endif
