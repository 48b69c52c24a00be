/*
 * How many connections at a time a next hop may have: the concurrency feedback of Postfix. A success counts 1 / window,
 * so a full window of successes adds one connection. A refused connection takes one away at once. Refusals in a row
 * count 1 / window each; when they add up to 1, every connection of the window has failed and the next hop is down. A
 * next hop that has not worked since it was last down is down again at the first refusal. Pure.
 */
#ifndef QUEUE_RULES_WINDOW_H
#define QUEUE_RULES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

enum { WINDOW_FIRST = 4 };

struct window {
	size_t size;
	size_t successes; /* in the current round */
	double refused;   /* refusals in a row, each 1 / window */
	bool proven;      /* it has worked since it was last down */
};

void window_init(struct window *w);

/* A host accepted a job. The window does not grow beyond CAP. */
void window_success(struct window *w, size_t cap);

/* A connection was refused or failed. True when the next hop is down; then call window_down. */
bool window_refusal(struct window *w);

/* The next hop is down. When it works again, it begins with half the window. */
void window_down(struct window *w);

#endif
