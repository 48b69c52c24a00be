#include "queue/attempt/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/log.h"

enum { ANSWER_WITHIN_MS = 30 * 1000 };

struct resolve *resolve_state(struct queue *q)
{
	if (!q->resolving) {
		q->resolving = calloc(1, sizeof(*q->resolving));
		if (!q->resolving)
			log_fatal(EXIT_TEMPORARY, "out of memory");
		TAILQ_INIT(&q->resolving->list);
	}
	return q->resolving;
}

void resolve_end(struct queue *q, struct resolve_request *r)
{
	TAILQ_REMOVE(&q->resolving->list, r, place);
	HASH_DEL(q->resolving->by_serial, r);
	destination_ref(&q->destinations, &r->destination, NULL);
	free(r);
}

void resolve_drop_link(struct queue *q, const char *why)
{
	if (why)
		log_warning("link to the resolver closed: %s", why);
	fd_close(&q->resolver);
}

static void send_request(struct queue *q, const struct resolve_request *r)
{
	const struct target *t = r->what;
	struct wire_resolve packet = {.serial = r->serial,
				      .name = span_of(t->name),
				      .port = t->port,
				      .mx = t->kind == CONFIG_HOST_MX,
				      .private_mx = t->private_mx};
	if (q->resolver < 0)
		return;
	str_clear(&q->packet);
	int err = wire_encode_resolve(&packet, &q->packet) ? ipc_send(q->resolver, str_span(&q->packet), NULL, 0)
							   : -EMSGSIZE;
	if (err == -EPIPE || err == -ECONNRESET)
		resolve_drop_link(q, strerror(-err));
	else if (err && err != -EAGAIN) /* -EAGAIN: the link is full, and the request ends at its deadline */
		log_warning("can't ask the resolver for %s: %s", t->name, strerror(-err));
}

static void ask(struct queue *q, struct destination *d, struct resolve_asker *asker, const struct target *what,
		size_t at)
{
	struct resolve *state = resolve_state(q);
	struct resolve_request *r = calloc(1, sizeof(*r));
	if (!r)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	r->serial = ++state->last_serial;
	r->asker = asker;
	r->what = what;
	r->target = at;
	r->deadline = q->mono_ms + ANSWER_WITHIN_MS;
	destination_ref(&q->destinations, &r->destination, d);
	TAILQ_INSERT_TAIL(&state->list, r, place);
	HASH_ADD(hh, state->by_serial, serial, sizeof(r->serial), r);
	if (!HASH_ADDED(r))
		log_fatal(EXIT_TEMPORARY, "out of memory");
	send_request(q, r);
}

void resolve_look_up(struct queue *q, const struct target *what, size_t at, struct resolve_asker *asker)
{
	ask(q, NULL, asker, what, at);
}

void resolve_forget(struct queue *q, const struct resolve_asker *asker)
{
	struct resolve_request *r, *next;
	for (r = TAILQ_FIRST(&resolve_state(q)->list); r; r = next) {
		next = TAILQ_NEXT(r, place);
		if (r->asker == asker)
			resolve_end(q, r);
	}
}

void resolve_ask(struct queue *q, struct destination *d)
{
	if (!destination_wants_hosts(d, q->mono_ms))
		return;
	enum destination_answer answer = destination_ask(d, q->mono_ms);
	for (size_t i = 0; answer == DESTINATION_ASKING && i < d->target_count; i++)
		if (d->targets[i].state == TARGET_ASKED)
			ask(q, d, NULL, &d->targets[i], i);
	pool_update_ring(queue_pool(q, d), d, q->mono_ms);
}

void resolve_attach(struct queue *q, int fd)
{
	struct resolve_request *r;
	fd_close(&q->resolver);
	q->resolver = fd;
	TAILQ_FOREACH(r, &resolve_state(q)->list, place)
	send_request(q, r);
}

int64_t resolve_next(const struct queue *q)
{
	const struct resolve_request *r = q->resolving ? TAILQ_FIRST(&q->resolving->list) : NULL;
	return r ? r->deadline : INT64_MAX;
}

void resolve_free(struct queue *q)
{
	while (q->resolving && !TAILQ_EMPTY(&q->resolving->list))
		resolve_end(q, TAILQ_FIRST(&q->resolving->list));
	free(q->resolving);
	q->resolving = NULL;
}
