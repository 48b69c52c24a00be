#include "delivery/resolver/waiters.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/ipc/ask.h"

void waiters_init(struct waiters *w, size_t max, int64_t patience_ms, void (*cancel)(struct waiter *waiter))
{
	*w = (struct waiters){.max = max, .patience_ms = patience_ms, .cancel = cancel};
	TAILQ_INIT(&w->all);
}

void waiters_free(struct waiters *w)
{
	while (!TAILQ_EMPTY(&w->all))
		waiters_drop(w, TAILQ_FIRST(&w->all));
}

void waiters_drop(struct waiters *w, struct waiter *waiter)
{
	w->cancel(waiter);
	TAILQ_REMOVE(&w->all, waiter, entry);
	w->count--;
	fd_close(&waiter->reply_fd);
	free(waiter);
}

static void forget(struct waiters *w, pid_t pid)
{
	struct waiter *waiter;
	TAILQ_FOREACH(waiter, &w->all, entry)
	{
		if (waiter->pid != pid)
			continue;
		waiters_drop(w, waiter);
		return;
	}
}

void *waiters_add(struct waiters *w, size_t size, int *fd)
{
	pid_t pid = ask_peer(*fd);
	forget(w, pid);
	struct waiter *waiter = pid && w->count < w->max ? calloc(1, size) : NULL;
	if (!waiter)
		return NULL;
	waiter->pid = pid;
	waiter->reply_fd = *fd;
	*fd = -1;
	waiter->deadline = clock_mono_ms() + w->patience_ms;
	TAILQ_INSERT_TAIL(&w->all, waiter, entry);
	w->count++;
	return waiter;
}

int64_t waiters_until(const struct waiters *w)
{
	if (TAILQ_EMPTY(&w->all))
		return -1;
	int64_t left = TAILQ_FIRST(&w->all)->deadline - clock_mono_ms();
	return left > 0 ? left : 0;
}

struct waiter *waiters_overdue(const struct waiters *w)
{
	struct waiter *first = TAILQ_FIRST(&w->all);
	return first && first->deadline <= clock_mono_ms() ? first : NULL;
}
