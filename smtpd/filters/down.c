#include "smtpd/filters/down.h"

#include <stdio.h>

void down_fail(struct down *d, bool again, int err, const char *why, int64_t mono_ms, int64_t wall_ms)
{
	if (d->err && !again)
		return;
	if (!d->err)
		*d = (struct down){.since_ms = wall_ms};
	d->pause_ms = !d->pause_ms ? DOWN_PAUSE_MS : 2 * d->pause_ms;
	if (d->pause_ms > DOWN_PAUSE_MAX_MS)
		d->pause_ms = DOWN_PAUSE_MAX_MS;
	d->next_ms = mono_ms + d->pause_ms;
	d->err = err;
	snprintf(d->why, sizeof(d->why), "%s", why);
}

bool down_end(struct down *d)
{
	bool was = d->err != 0;
	*d = (struct down){0};
	return was;
}
