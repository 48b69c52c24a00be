#include "queue/plan/dispatch.h"

#include "queue/model/atrn.h"

enum { UNSERVED_LOOK = 256 /* count_unserved looks at so many destinations */ };

/*
 * The connection that was idle for longest, to be given up. Not one to a provider with a limit on connections: only its
 * worker knows when the other end has seen it close. Not an ATRN connection: there is no other connection to that
 * client.
 */
static struct worker *expendable(const struct pool *p)
{
	struct worker *w;
	TAILQ_FOREACH(w, &p->connected, place)
	if (provider_room(w->destination->provider) == SIZE_MAX && !atrn_is(w->destination))
		return w;
	return NULL;
}

static struct worker *choose(const struct pool *p, const struct destination *d)
{
	struct worker *w = TAILQ_FIRST(&d->idle);
	if (pool_count(p) > p->max && p->busy_count >= p->max)
		return NULL; /* a reload has lowered the maximum */
	if (w)
		return w;
	if (destination_room(d)) {
		w = TAILQ_FIRST(&p->fresh);
		if (!w)
			w = expendable(p);
	}
	return w || d->down_ms ? w : TAILQ_FIRST(&d->busy);
}

static size_t more_connections(const struct destination *d)
{
	size_t room = destination_room(d);
	return d->queued < room ? d->queued : room;
}

static size_t count_unserved(const struct pool *p)
{
	const struct destination *d;
	size_t looked = 0, unserved = 0;
	TAILQ_FOREACH(d, &p->ring, ring)
	{
		unserved += more_connections(d);
		if (++looked == UNSERVED_LOOK || unserved >= p->max)
			break;
	}
	return unserved;
}

bool dispatch_next(struct pool *p, int64_t now_ms, struct job **job, struct worker **worker)
{
	struct destination *first = TAILQ_FIRST(&p->ring), *next;
	for (struct destination *d = first; d; d = next) {
		next = TAILQ_NEXT(d, ring);
		pool_update_ring(p, d, now_ms);
		if (d->on != &p->ring)
			continue;
		*worker = choose(p, d);
		if (!*worker)
			continue;
		*job = TAILQ_FIRST(&d->jobs);
		TAILQ_REMOVE(&p->ring, d, ring);
		TAILQ_INSERT_TAIL(&p->ring, d, ring);
		return true;
	}
	p->unserved = count_unserved(p);
	return false;
}
