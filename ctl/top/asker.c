#include "ctl/top/asker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_S = 1 };

static struct {
	const char *run_dir;
	int event;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wanted;
	struct order order;
	struct news *news;
	struct answer *answer;
} asker = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void wake(void)
{
	const uint64_t one = 1;
	ssize_t n = write(asker.event, &one, sizeof(one));
	(void)n; /* a full counter wakes as well */
}

/* Waits for an order until DUE. False: none came. */
static bool await_order(const struct timespec *due, struct order *out)
{
	int err = 0;
	pthread_mutex_lock(&asker.lock);
	while (!asker.order.kind && !err)
		err = pthread_cond_timedwait(&asker.wanted, &asker.lock, due);
	*out = asker.order;
	asker.order.kind = ORDER_NOTHING;
	pthread_mutex_unlock(&asker.lock);
	return out->kind != ORDER_NOTHING;
}

static void answer(const struct order *order)
{
	struct answer *made = calloc(1, sizeof(*made));
	if (made)
		order_do(asker.run_dir, order, made);
	pthread_mutex_lock(&asker.lock);
	asker.answer = made;
	pthread_mutex_unlock(&asker.lock);
	wake();
}

static void publish(struct news *made)
{
	pthread_mutex_lock(&asker.lock);
	struct news *before = asker.news;
	asker.news = made;
	pthread_mutex_unlock(&asker.lock);
	if (before)
		news_free(before);
	free(before);
	wake();
}

static void *work(void *unused)
{
	static struct make_rates rates[SERVICE_SERVERS_MAX];
	struct order order;
	(void)unused;
	for (;;) {
		struct timespec due;
		clock_gettime(CLOCK_MONOTONIC, &due);
		due.tv_sec += EVERY_S;
		struct news *made = calloc(1, sizeof(*made));
		if (made) {
			news_ask(asker.run_dir, rates, made);
			publish(made);
		}
		if (await_order(&due, &order))
			answer(&order);
	}
	return NULL;
}

/* Signals are for the thread of the screen. */
static int start_thread(void)
{
	sigset_t all, before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&thread, NULL, work, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_detach(thread);
	return -err;
}

int asker_start(const char *run_dir)
{
	pthread_condattr_t attributes;
	asker.run_dir = run_dir;
	asker.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (asker.event < 0)
		return -errno;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&asker.wanted, &attributes);
	int err = start_thread();
	return err ? err : asker.event;
}

struct news *asker_news(void)
{
	uint64_t count;
	ssize_t n = read(asker.event, &count, sizeof(count));
	(void)n; /* nothing to read: somebody looks without a wake */
	pthread_mutex_lock(&asker.lock);
	struct news *news = asker.news;
	asker.news = NULL;
	pthread_mutex_unlock(&asker.lock);
	return news;
}

void asker_order(const struct order *order)
{
	pthread_mutex_lock(&asker.lock);
	asker.order = *order;
	pthread_cond_signal(&asker.wanted);
	pthread_mutex_unlock(&asker.lock);
}

struct answer *asker_answer(void)
{
	pthread_mutex_lock(&asker.lock);
	struct answer *made = asker.answer;
	asker.answer = NULL;
	pthread_mutex_unlock(&asker.lock);
	return made;
}
