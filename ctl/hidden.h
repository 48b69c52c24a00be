/*
 * Reads a secret from standard input: from a terminal with a prompt and without echo, otherwise silently. No buffer of
 * the C library keeps it, and signals do not leave the terminal without echo.
 */
#ifndef CTL_HIDDEN_H
#define CTL_HIDDEN_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#include "common/base/span.h"

struct hidden {
	bool terminal;
	struct termios before;
	sigset_t mask;
	int signals; /* a descriptor that ends the wait, -1 = none */
};

/*
 * From here on no other process may trace this one, and it leaves no core dump. False: the terminal can't be told to
 * hide WHAT ("the password"); that was printed.
 */
bool hidden_begin(struct hidden *hidden, const char *what);

/*
 * Reads one line, cut at SIZE octets, into TO; the caller wipes it. PROMPT is for a terminal alone. False: there is
 * none.
 */
bool hidden_line(const struct hidden *hidden, const char *prompt, char *to, size_t size, struct span *line);

/* Shows again what is typed. Delivers a signal that came meanwhile. */
void hidden_end(struct hidden *hidden);

#endif
