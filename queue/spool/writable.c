#include "queue/spool/writable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/fullness.h"

enum { LOOK_EVERY_MS = 1000, TEXT_MAX = 256 };

static bool is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

void writable_init(struct writable *w, const struct store *store, struct fullness *fullness)
{
	*w = (struct writable){.store = store, .fullness = fullness};
}

bool writable_stops(const struct writable *w)
{
	return w->error && !is_full(w->error);
}

void writable_describe(const struct writable *w, char *to, size_t size)
{
	const char *what = is_full(w->error) ? N_("mail waits where its journal needs space")
					     : N_("no mail is accepted or delivered until the file system is repaired");
	to[0] = '\0';
	if (w->error)
		snprintf(to, size, N_("can't be written (%s): %s"), strerror(-w->error), what);
}

static void say(const struct writable *w)
{
	char text[TEXT_MAX];
	writable_describe(w, text, sizeof(text));
	if (*text)
		log_error("spool %s: %s", w->store->dir, text);
	else
		log_info("spool %s: can be written again", w->store->dir);
}

void writable_look(struct writable *w, int64_t now_ms)
{
	int before = w->error;
	w->error = store_try(w->store);
	w->looked_ms = now_ms;
	if (w->error != before)
		say(w);
	fullness_suspend(w->fullness, writable_stops(w));
}

bool writable_blame(struct writable *w, int err, int64_t now_ms)
{
	if (!w->error && now_ms - w->looked_ms >= LOOK_EVERY_MS)
		writable_look(w, now_ms);
	return writable_stops(w) || (w->error && is_full(err));
}

void writable_tend(struct writable *w, int64_t now_ms)
{
	if (w->error)
		writable_look(w, now_ms);
}
