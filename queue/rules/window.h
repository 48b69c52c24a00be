/*
 * How many connections a next hop is given: what Postfix calls its feedback. A success is worth 1 / window, so a round
 * of successes is one connection more; a connection that is refused is one less at once. When as many are refused in a
 * row as were allowed (each counts 1 / window, as it is then), the next hop is down: all that the window held came to
 * nothing. One that has not worked since it was last down is so by the first refusal. Pure.
 */
#ifndef QUEUE_RULES_WINDOW_H
#define QUEUE_RULES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

enum { WINDOW_FIRST = 4 };

struct window {
	size_t size;
	size_t successes; /* of this round */
	double refused;   /* in a row, as parts of a window */
	bool proven;      /* it has worked since it was last down */
};

void window_init(struct window *w);

/* A job has met a host that took it. CAP: the window grows no further. */
void window_success(struct window *w, size_t cap);

/* A connection was refused, or none came about. True: the next hop is to be taken for down. */
bool window_refusal(struct window *w);

/* It is down: what is tried when it is up again begins with half. */
void window_down(struct window *w);

#endif
