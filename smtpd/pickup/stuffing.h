/*
 * Guesses whether a file of the pickup folder is dot-stuffed: whether each line that begins with a dot has one dot too
 * many (RFC 5321 4.5.2). The file itself does not state it, so its lines are evidence. Pure.
 *
 *	a line begins with a single dot        no: stuffing would have doubled it
 *	a line ends in LF alone                no: programs that stuff write CRLF, as for SMTP
 *	"..", "..x", "....", "....x"           yes: stuffed from ".", ".x", "...", "...x", which are common
 *	"...", "...x", "../", "..\"            no: an ellipsis or a path, not stuffed
 *
 * If lines of both last kinds occur, the more frequent kind decides. If none occurs, the dots stay.
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

/* Examines the next piece, of any size, of the file as it is on disk. The second function follows the last piece. */
void stuffing_look(struct stuffing *s, struct span piece);
void stuffing_look_end(struct stuffing *s);
bool stuffing_found(const struct stuffing *s);

/* Removes one dot from each line that begins with a dot. */
struct unstuffing {
	bool within; /* zeroed = at the start of a line */
};

/* IN has CRLF line ends; OUT has room for in.len octets. Returns the number of octets written. */
size_t unstuffing_take(struct unstuffing *u, struct span in, char *out);

#endif
