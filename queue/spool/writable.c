#include "queue/spool/writable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/ipc/fullness.h"
#include "queue/attempt/queue.h"

enum { LOOK_EVERY_MS = 1000, TEXT_MAX = 256 };

static bool is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

bool writable_stops(const struct queue *q)
{
	return q->writable.error && !is_full(q->writable.error);
}

void writable_describe(const struct queue *q, char *to, size_t size)
{
	const char *what = is_full(q->writable.error)
				   ? "mail whose journal needs room waits"
				   : "no mail is taken or delivered; mend the file system, and it goes on by itself";
	to[0] = '\0';
	if (q->writable.error)
		snprintf(to, size, "can't be written (%s): %s", strerror(-q->writable.error), what);
}

static void say(const struct queue *q)
{
	char text[TEXT_MAX];
	writable_describe(q, text, sizeof(text));
	if (*text)
		log_error("spool %s: %s", queue_server(q)->dir, text);
	else
		log_info("spool %s: can be written again", queue_server(q)->dir);
}

void writable_look(struct queue *q)
{
	struct writable *w = &q->writable;
	int before = w->error;
	w->error = store_try(&q->store);
	w->looked_ms = q->mono_ms;
	if (w->error != before)
		say(q);
	fullness_shut(q->fullness, writable_stops(q));
}

bool writable_blame(struct queue *q, int err)
{
	if (!q->writable.error && q->mono_ms - q->writable.looked_ms >= LOOK_EVERY_MS)
		writable_look(q);
	return writable_stops(q) || (q->writable.error && is_full(err));
}

void writable_tend(struct queue *q)
{
	if (q->writable.error)
		writable_look(q);
}
