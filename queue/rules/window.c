#include "queue/rules/window.h"

void window_init(struct window *w)
{
	*w = (struct window){.size = WINDOW_FIRST};
}

void window_success(struct window *w, size_t cap)
{
	w->refused = 0;
	w->proven = true;
	if (++w->successes < w->size)
		return;
	w->successes = 0;
	if (w->size < cap)
		w->size++;
}

bool window_refusal(struct window *w)
{
	w->successes = 0;
	w->refused += 1.0 / (double)w->size;
	if (w->size > 1)
		w->size--;
	return !w->proven || w->refused >= 1.0;
}

void window_down(struct window *w)
{
	w->size = w->size > 2 ? w->size / 2 : 1;
	w->successes = 0;
	w->refused = 0;
	w->proven = false;
}
