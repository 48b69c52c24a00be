#include "queue/attempt/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/fullness.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/folder.h"
#include "queue/attempt/jobs.h"
#include "queue/attempt/load.h"
#include "queue/attempt/resolve.h"
#include "queue/attempt/settle.h"
#include "queue/attempt/verdicts.h"
#include "queue/etrn/caller.h"
#include "queue/etrn/demand.h"
#include "queue/etrn/turned.h"
#include "queue/links.h"
#include "queue/operator/console.h"
#include "queue/plan/dispatch.h"

enum {
	DUE_AT_ONCE = 1000,
	LOADS_AT_ONCE = 64,
	SENDS_AT_ONCE = 256,
	SWEEP_MS = 100,
	SECOND_MS = 1000,
	TEXT_MAX = ENVELOPE_MAX + 8192,
	ARENA_MAX = ENVELOPE_RCPT_MAX * 64 + 65536
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

bool queue_open(struct queue *q, struct child *child, int arrivals, int verdicts)
{
	char what[4200];
	q->child = child;
	q->arrivals = arrivals;
	q->verdicts = verdicts;
	q->resolver = -1;
	const struct config_server *server = queue_server(q);
	queue_clock(q);
	open_scratch(q);
	messages_init(&q->messages);
	pool_init(&q->delivery, &q->destinations, 0, 1);
	pool_init(&q->local, &q->destinations, 0, 1);
	links_resize(q);
	int err = store_open(&q->store, server->dir, server->badmail_dir, what, sizeof(what));
	if (err)
		log_error("can't open %s: %s", what, strerror(-err));
	fullness_clear(q->fullness);
	if (err || !q->buffer || !drops_open(&q->drops, server, q->mono_ms))
		return false;
	writable_look(q);
	for (size_t i = 0; i < q->drops.n; i++)
		if (q->drops.at[i].error)
			log_warning("drop folder %s: %s; its mail waits until that is mended", q->drops.at[i].path,
				    strerror(q->drops.at[i].error));
	return true;
}

static void forget_all(struct queue *q)
{
	struct message *m, *next;
	HASH_ITER(hh, q->messages.table, m, next)
	{
		struct job *j;
		while (m->whole && (j = TAILQ_FIRST(&m->whole->jobs)))
			job_end(q, j, false);
		queue_forget(q, m);
	}
}

void queue_close(struct queue *q)
{
	console_free(q);
	forget_all(q);
	caller_free(q);
	resolve_free(q);
	pool_free(&q->delivery);
	pool_free(&q->local);
	fd_close(&q->resolver);
	scan_free(q);
	badmail_sweep_free(q);
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

void queue_forget(struct queue *q, struct message *m)
{
	console_forget(q, m);
	index_forget(q, m);
	settle_stop_waiting(m);
	if (m->whole)
		load_undo(q, m);
	struct destination *d = m->destination;
	message_remove(&q->messages, m); /* out of its place first: that may be a list of its destination */
	destination_ref(&q->destinations, &d, NULL);
}

static void wake_due(struct queue *q)
{
	struct message *m;
	for (int i = 0; i < DUE_AT_ONCE && (m = message_due(&q->messages, q->mono_ms)); i++)
		message_move(&q->messages, m, m->found ? MESSAGE_FOUND : MESSAGE_READY);
}

static void load_ready(struct queue *q)
{
	struct message *m;
	for (int i = 0; i < LOADS_AT_ONCE && attempt_may_begin(q) && (m = TAILQ_FIRST(&q->messages.ready)); i++)
		attempt_begin(q, m);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is down or unknown: asked for when that is due, refused when it had better not be waited for. */
static void sweep_blocked(struct queue *q, struct pool *p)
{
	struct destination *d, *next;
	for (d = TAILQ_FIRST(&p->blocked); d; d = next) {
		next = TAILQ_NEXT(d, ring);
		resolve_ask(q, d);
		pool_update_ring(p, d, q->mono_ms);
		if (gate_next(d->gate) > q->mono_ms)
			q->sweep_ms = sooner(q->sweep_ms, gate_next(d->gate));
	}
	for (d = TAILQ_FIRST(&p->blocked); d; d = TAILQ_NEXT(d, ring)) {
		if (destination_worth_waiting(d, q->mono_ms))
			continue;
		const struct settle_result down = {
			.event = JOURNAL_DELAYED, .enhanced = {4, 4, 1}, .text = span_of(d->reason)};
		settle_refuse(q, d, &down);
		break; /* the list has changed; the next sweep goes on */
	}
}

static void sweep(struct queue *q)
{
	if (q->mono_ms < q->sweep_ms)
		return;
	q->sweep_ms = q->mono_ms + SWEEP_MS;
	sweep_blocked(q, &q->delivery);
	sweep_blocked(q, &q->local);
}

static void send_failed(struct queue *q, struct job *j, struct worker *w, int err)
{
	struct message *m = j->message;
	if (err == -EPIPE) {
		pool_leaving(w); /* the end of its link tells what becomes of the jobs that it has */
	} else if (err == -EWOULDBLOCK) {
		attempt_lock_busy(q, m);
	} else {
		if (!writable_blame(q, err))
			log_error("id=%s: can't hand the message to a worker: %s", m->id, strerror(-err));
		attempt_take_back(q, m, SECOND_MS);
	}
}

/* True: there is more to send at once. */
static bool dispatch(struct queue *q, struct pool *p)
{
	struct job *j;
	struct worker *w;
	for (int i = 0; i < SENDS_AT_ONCE; i++) {
		if (!dispatch_next(p, q->mono_ms, &j, &w))
			return false;
		int err = job_send(q, j, w);
		if (err)
			send_failed(q, j, w, err);
	}
	return true;
}

static void each_second(struct queue *q)
{
	if (q->mono_ms < q->second_ms)
		return;
	q->second_ms = q->mono_ms + SECOND_MS;
	writable_tend(q);
	links_retire(q, &q->delivery);
	links_retire(q, &q->local);
	folders_tend(q);
	turned_tend(q);
	demand_tend(q);
	caller_tend(q);
	destinations_sweep(&q->destinations, q->mono_ms);
}

static bool blocked(const struct queue *q)
{
	return !TAILQ_EMPTY(&q->delivery.blocked) || !TAILQ_EMPTY(&q->local.blocked);
}

static int64_t wait_ms(const struct queue *q)
{
	int64_t next = sooner(message_next_due(&q->messages), q->second_ms);
	next = sooner(next, sooner(q->scan.next_ms, resolve_next(q)));
	next = sooner(next, sooner(index_next(q), badmail_sweep_next(q)));
	if (blocked(q))
		next = sooner(next, q->sweep_ms);
	return next > q->mono_ms ? next - q->mono_ms : 0;
}

int64_t queue_turn(struct queue *q)
{
	queue_clock(q);
	bool more = scan_list(q);
	resolve_expire(q);
	each_second(q);
	more |= console_turn(q);
	index_turn(q);
	badmail_sweep_turn(q);
	more |= drops_count(&q->drops, q->mono_ms);
	if (!q->scan.listed || q->stopping || writable_stops(q))
		return more ? 0 : SWEEP_MS;
	wake_due(q);
	more |= scan_adopt(q);
	load_ready(q);
	sweep(q);
	more |= dispatch(q, &q->delivery);
	more |= dispatch(q, &q->local);
	links_want(q, &q->delivery);
	links_want(q, &q->local);
	more |= !TAILQ_EMPTY(&q->messages.ready) && attempt_may_begin(q);
	return more ? 0 : wait_ms(q);
}
