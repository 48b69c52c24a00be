#include "queue/attempt/queue.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/fullness.h"
#include "queue/attempt/resolve.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"

enum {
	TEXT_MAX = ENVELOPE_MAX + 8192,
	ARENA_MAX = ENVELOPE_RCPT_MAX * 64 + 65536,
	LOCAL_SPARE = 1, /* copies and notices are few, and more processes do not make a disk faster */
	LOCAL_MAX = 16,
	TROUBLE_MS = 10 * 1000
};

void queue_clock(struct queue *q)
{
	if (q->clock_stands)
		return;
	q->mono_ms = clock_mono_ms();
	q->wall_ms = clock_wall_ms();
}

static void open_scratch(struct queue *q)
{
	str_init(&q->packet, WIRE_PACKET_MAX);
	str_init(&q->text, TEXT_MAX);
	arena_init(&q->arena, ARENA_MAX);
	q->buffer = malloc(WIRE_PACKET_MAX);
}

void queue_resize_pools(struct queue *q)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	int64_t max = delivery->processes.max, connections = delivery->max_outbound_connections;
	pool_resize(&q->delivery, (size_t)delivery->processes.spare, (size_t)(max < connections ? max : connections));
	pool_resize(&q->local, LOCAL_SPARE, LOCAL_MAX);
}

bool queue_open(struct queue *q, struct child *child, int verdicts)
{
	char what[4200];
	q->child = child;
	q->verdicts = verdicts;
	q->resolver = -1;
	const struct config_server *server = queue_server(q);
	queue_clock(q);
	open_scratch(q);
	messages_init(&q->messages);
	pool_init(&q->delivery, &q->destinations, 0, 1);
	pool_init(&q->local, &q->destinations, 0, 1);
	queue_resize_pools(q);
	int err = store_open(&q->store, server->dir, server->badmail_dir, what, sizeof(what));
	if (err)
		log_error("can't open %s: %s", what, strerror(-err));
	fullness_clear(q->fullness);
	if (err || !q->buffer || !drops_open(&q->drops, server, q->mono_ms))
		return false;
	writable_init(&q->writable, &q->store, q->fullness);
	writable_look(&q->writable, q->mono_ms);
	for (size_t i = 0; i < q->drops.n; i++)
		if (q->drops.at[i].error)
			log_warning("drop folder %s: %s; its mail waits until this is fixed", q->drops.at[i].path,
				    strerror(q->drops.at[i].error));
	return true;
}

static void forget_all(struct queue *q)
{
	struct message *m, *next;
	HASH_ITER(hh, q->messages.table, m, next)
	{
		struct job *j;
		while (m->loaded && (j = TAILQ_FIRST(&m->loaded->jobs)))
			job_end(j, false, q->mono_ms);
		queue_forget(q, m);
	}
}

void queue_close(struct queue *q)
{
	forget_all(q);
	resolve_free(q);
	pool_free(&q->delivery);
	pool_free(&q->local);
	fd_close(&q->resolver);
	destinations_free(&q->destinations);
	messages_free(&q->messages);
	drops_close(&q->drops);
	store_close(&q->store);
	str_free(&q->packet);
	str_free(&q->text);
	arena_free(&q->arena);
	free(q->buffer);
	q->buffer = NULL;
}

struct pool *queue_pool(struct queue *q, const struct destination *d)
{
	return destination_is_local(d) ? &q->local : &q->delivery;
}

size_t queue_jobs_out(const struct queue *q)
{
	return q->delivery.jobs_out + q->local.jobs_out;
}

struct destination *queue_destination(struct queue *q, const struct route *route)
{
	const char *folder = route->kind == ROUTE_DROP ? route->local->drop_dir : NULL;
	struct destination *d = destination_get(&q->destinations, route, folder);
	if (d && !destination_is_local(d))
		d->cap = (size_t)queue_server(q)->delivery.max_outbound_connections_per_domain;
	return d;
}

bool queue_may_begin(const struct queue *q)
{
	return q->messages.loaded_count < QUEUE_LOADED_MAX && !writable_stops(&q->writable);
}

void queue_put_off(struct queue *q, struct message *m, const char *what, int err)
{
	if (!writable_blame(&q->writable, err, q->mono_ms))
		log_error("id=%s: can't %s: %s", m->id, what, strerror(-err));
	loaded_unload(&q->messages, m);
	message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + TROUBLE_MS);
}
