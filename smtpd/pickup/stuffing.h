/*
 * Does a file of the pickup folder have a dot more in front of lines that begin with one (RFC 5321 4.5.2)? Nothing in
 * it says so; this is what tells. Pure.
 *
 *	a line begins with a single dot        no: whoever stuffs leaves none
 *	a line ends in LF alone                no: whoever stuffs writes for the wire
 *	"..", "..x", "....", "....x"           yes: were ".", ".x", "...", "...x", which is what people write
 *	"...", "...x", "../", "..\"            no: an ellipsis or a path, as it stands
 *
 * With evidence of both last kinds the more frequent one decides; without any the dots stay.
 */
#ifndef SMTPD_PICKUP_STUFFING_H
#define SMTPD_PICKUP_STUFFING_H

#include "common/base/span.h"

struct stuffing {
	int state; /* zeroed = before the first octet */
	unsigned dots;
	char last;
	uint64_t single, bare, doubled, plain; /* lines of each row above */
};

/* Looks at the next piece of a file, as it lies there, in pieces of any size; then at its end. */
void stuffing_look(struct stuffing *s, struct span piece);
void stuffing_look_end(struct stuffing *s);
bool stuffing_found(const struct stuffing *s);

/* Takes one dot off each line that begins with one. */
struct unstuffing {
	bool within; /* zeroed = at the start of a line */
};

/* IN has CRLF line ends; OUT has room for in.len octets. Returns how many were written. */
size_t unstuffing_take(struct unstuffing *u, struct span in, char *out);

#endif
