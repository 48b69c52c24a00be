#include "queue/model/pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "queue/model/job.h"

enum { SURPLUS_AFTER_MS = 10 * 1000 };

void pool_init(struct pool *p, struct destinations *destinations, size_t spare, size_t max)
{
	memset(p, 0, sizeof(*p));
	TAILQ_INIT(&p->fresh);
	TAILQ_INIT(&p->connected);
	TAILQ_INIT(&p->busy);
	TAILQ_INIT(&p->ring);
	TAILQ_INIT(&p->blocked);
	p->destinations = destinations;
	p->link = -1;
	pool_resize(p, spare, max);
}

void pool_resize(struct pool *p, size_t spare, size_t max)
{
	p->max = max;
	p->spare = spare < max ? spare : max;
}

size_t pool_count(const struct pool *p)
{
	return p->fresh_count + p->connected_count + p->busy_count;
}

/* The list that W belongs to, as its fields say. Every change of the fields happens between leave() and enter(). */
static struct worker_list *list_of(struct worker *w, size_t **count)
{
	struct pool *p = w->pool;
	bool busy = w->job_count || w->leaving || w->errand;
	*count = busy ? &p->busy_count : w->connected ? &p->connected_count : &p->fresh_count;
	return busy ? &p->busy : w->connected ? &p->connected : &p->fresh;
}

static void leave(struct worker *w)
{
	size_t *count;
	struct worker_list *list = list_of(w, &count);
	TAILQ_REMOVE(list, w, place);
	--*count;
	if (w->on_destination)
		TAILQ_REMOVE(w->on_destination, w, at_destination);
	w->on_destination = NULL;
	if (w->job_count)
		w->destination->connections--;
}

static void enter(struct worker *w)
{
	size_t *count;
	struct worker_list *list = list_of(w, &count);
	/* Dispatch takes the worker that was idle for the shortest time, so that surplus workers age at the end. */
	if (list == &w->pool->fresh)
		TAILQ_INSERT_HEAD(list, w, place);
	else
		TAILQ_INSERT_TAIL(list, w, place);
	++*count;
	if (w->connected && w->job_count < 2 && !w->leaving) {
		w->on_destination = w->job_count ? &w->destination->busy : &w->destination->idle;
		TAILQ_INSERT_HEAD(w->on_destination, w, at_destination);
	}
	if (w->job_count)
		w->destination->connections++;
}

struct worker *pool_add(struct pool *p, uint32_t number, int fd, int64_t now_ms)
{
	struct worker *w = calloc(1, sizeof(*w));
	if (!w) {
		fd_close(&fd);
		return NULL;
	}
	TAILQ_INIT(&w->jobs);
	w->pool = p;
	w->number = number;
	w->fd = fd;
	w->idle_since = now_ms;
	enter(w);
	return w;
}

/* Ties W to D (NULL = to none): it has a connection there, or is about to open one. */
static void tie_to(struct worker *w, struct destination *d)
{
	if (w->destination == d)
		return;
	if (w->destination)
		destination_closed(w->destination);
	if (d)
		destination_opened(d);
	destination_ref(w->pool->destinations, &w->destination, d);
}

void pool_remove(struct worker *w)
{
	leave(w);
	tie_to(w, NULL);
	if (w->watch && w->pool->unwatch)
		w->pool->unwatch(w->watch);
	fd_close(&w->fd);
	free(w);
}

void pool_free(struct pool *p)
{
	struct worker *w;
	while ((w = TAILQ_FIRST(&p->busy)) || (w = TAILQ_FIRST(&p->connected)) || (w = TAILQ_FIRST(&p->fresh)))
		pool_remove(w);
	fd_close(&p->link);
}

static void place_destination(struct destination *d, struct destination_ring *to)
{
	if (d->on == to)
		return;
	if (d->on)
		TAILQ_REMOVE(d->on, d, ring);
	if (to)
		TAILQ_INSERT_TAIL(to, d, ring);
	d->on = to;
}

void pool_assign(struct worker *w, struct job *j)
{
	struct destination *d = j->destination;
	leave(w);
	TAILQ_REMOVE(&d->jobs, j, place);
	if (--d->queued == 0)
		place_destination(d, NULL);
	d->at_workers++;
	TAILQ_INSERT_TAIL(&w->jobs, j, place);
	w->job_count++;
	w->pool->jobs_out++;
	j->worker = w;
	/* A worker that is connected elsewhere closes that connection first. */
	if (w->destination != d)
		w->connected = false;
	tie_to(w, d);
	provider_begin(&j->provider, d->provider);
	j->transactions = 1;
	enter(w);
}

void pool_release(struct worker *w, struct job *j, bool connected, int64_t now_ms)
{
	leave(w);
	TAILQ_REMOVE(&w->jobs, j, place);
	w->job_count--;
	w->pool->jobs_out--;
	j->destination->at_workers--;
	j->worker = NULL;
	provider_end(&j->provider, j->transactions, now_ms);
	w->connected = connected;
	w->idle_since = now_ms;
	if (!w->job_count && !connected)
		tie_to(w, NULL);
	enter(w);
}

void pool_errand(struct worker *w, struct destination *d)
{
	leave(w);
	tie_to(w, d);
	w->errand = true;
	enter(w);
}

void pool_leaving(struct worker *w)
{
	leave(w);
	w->leaving = true;
	enter(w);
}

void pool_dismiss(struct pool *p)
{
	struct worker *w;
	while ((w = TAILQ_FIRST(&p->connected)) || (w = TAILQ_FIRST(&p->fresh)))
		pool_remove(w);
	for (size_t n = p->busy_count; n; n--) /* pool_leaving moves each to the end */
		pool_leaving(TAILQ_FIRST(&p->busy));
}

void pool_disconnected(struct worker *w)
{
	leave(w);
	w->connected = w->errand = false;
	if (!w->job_count)
		tie_to(w, NULL);
	enter(w);
}

void pool_update_ring(struct pool *p, struct destination *d, int64_t now_ms)
{
	place_destination(d, !d->queued ? NULL : destination_open(d, now_ms) ? &p->ring : &p->blocked);
}

size_t pool_wanted(const struct pool *p)
{
	size_t wanted = p->busy_count + p->unserved;
	if (wanted < p->spare)
		wanted = p->spare;
	return wanted < p->max ? wanted : p->max;
}

struct worker *pool_surplus(const struct pool *p, int64_t now_ms)
{
	if (pool_count(p) <= p->spare)
		return NULL;
	struct worker *w = TAILQ_LAST(&p->fresh, worker_list);
	if (!w)
		w = TAILQ_FIRST(&p->connected);
	if (pool_count(p) > p->max)
		return w;
	return w && now_ms - w->idle_since >= SURPLUS_AFTER_MS ? w : NULL;
}
