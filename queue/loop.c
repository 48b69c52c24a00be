#include "queue/loop.h"

#include <errno.h>
#include <string.h>

#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/folder.h"
#include "queue/attempt/resolve.h"
#include "queue/attempt/resolved.h"
#include "queue/attempt/send.h"
#include "queue/attempt/settle.h"
#include "queue/attempt/verdicts.h"
#include "queue/etrn/atrn_server.h"
#include "queue/etrn/etrn_client.h"
#include "queue/links.h"
#include "queue/model/job.h"
#include "queue/plan/dispatch.h"

enum { DUE_AT_ONCE = 1000, LOADS_AT_ONCE = 64, SENDS_AT_ONCE = 256, SWEEP_MS = 100, SECOND_MS = 1000 };

bool loop_open(struct loop *l, struct child *child, int arrivals, int verdicts)
{
	struct queue *q = &l->queue;
	l->arrivals = arrivals;
	if (!queue_open(q, child, verdicts))
		return false;
	scan_init(&l->scan, &q->messages, &q->destinations, &q->store);
	l->etrn = (struct etrn){.queue = q};
	console_open(&l->console, q);
	return true;
}

void loop_close(struct loop *l)
{
	console_free(&l->console);
	l->queue.messages.forgotten = NULL;
	etrn_client_free(&l->etrn);
	scan_free(&l->scan);
	badmail_sweep_free(&l->badmail_sweep);
	queue_close(&l->queue);
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
	for (int i = 0; i < LOADS_AT_ONCE && queue_may_begin(q) && (m = TAILQ_FIRST(&q->messages.ready)); i++)
		attempt_begin(q, m);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Next hops that are down or have no known hosts: looks the hosts up when that is due, and refuses the jobs of one that
 * is not worth waiting for.
 */
static void sweep_blocked(struct loop *l, struct pool *p)
{
	struct queue *q = &l->queue;
	struct destination *d, *next;
	for (d = TAILQ_FIRST(&p->blocked); d; d = next) {
		next = TAILQ_NEXT(d, ring);
		resolve_ask(q, d);
		pool_update_ring(p, d, q->mono_ms);
		if (provider_next(d->provider) > q->mono_ms)
			l->sweep_ms = sooner(l->sweep_ms, provider_next(d->provider));
	}
	for (d = TAILQ_FIRST(&p->blocked); d; d = TAILQ_NEXT(d, ring)) {
		if (destination_worth_waiting(d, q->mono_ms))
			continue;
		const struct attempt_result down = {
			.event = JOURNAL_DELAYED, .enhanced = {4, 4, 1}, .text = span_of(d->reason)};
		attempt_refuse(q, d, &down);
		break; /* the list has changed; the next sweep goes on */
	}
}

static void sweep(struct loop *l)
{
	const struct queue *q = &l->queue;
	if (q->mono_ms < l->sweep_ms)
		return;
	l->sweep_ms = q->mono_ms + SWEEP_MS;
	sweep_blocked(l, &l->queue.delivery);
	sweep_blocked(l, &l->queue.local);
}

static void send_failed(struct queue *q, struct job *j, struct worker *w, int err)
{
	struct message *m = j->message;
	if (err == -EPIPE) {
		pool_leaving(w); /* when its link ends, its jobs are settled */
	} else if (err == -EWOULDBLOCK) {
		attempt_lock_busy(q, m);
	} else {
		if (!writable_blame(&q->writable, err, q->mono_ms))
			log_error("id=%s: can't hand the message to a worker: %s", m->id, strerror(-err));
		settle_take_back(q, m, SECOND_MS);
	}
}

/* True when there is more to send at once. */
static bool dispatch(struct queue *q, struct pool *p)
{
	struct job *j;
	struct worker *w;
	for (int i = 0; i < SENDS_AT_ONCE; i++) {
		if (!dispatch_next(p, q->mono_ms, &j, &w))
			return false;
		int err = send_job(q, j, w);
		if (err)
			send_failed(q, j, w, err);
	}
	return true;
}

/*
 * Adopts messages that a scan found, after their locks were free and the verdicts link was drained (scan.h). True when
 * there is more to do at once.
 */
static bool adopt(struct loop *l)
{
	struct queue *q = &l->queue;
	bool more = scan_probe(&l->scan, q->mono_ms);
	if (TAILQ_EMPTY(&q->messages.probed))
		return more;
	if (!verdicts_receive(q))
		return true;
	scan_adopt(&l->scan);
	return !TAILQ_EMPTY(&q->messages.found);
}

static void each_second(struct loop *l)
{
	struct queue *q = &l->queue;
	if (q->mono_ms < l->second_ms)
		return;
	l->second_ms = q->mono_ms + SECOND_MS;
	writable_tend(&q->writable, q->mono_ms);
	links_retire(q, &q->delivery);
	links_retire(q, &q->local);
	folders_tend(q);
	atrn_server_tend(q);
	etrn_server_tend(&l->etrn);
	etrn_client_tend(&l->etrn);
	destinations_sweep(&q->destinations, q->mono_ms);
}

static bool blocked(const struct queue *q)
{
	return !TAILQ_EMPTY(&q->delivery.blocked) || !TAILQ_EMPTY(&q->local.blocked);
}

static int64_t wait_ms(const struct loop *l)
{
	const struct queue *q = &l->queue;
	int64_t next = sooner(message_next_due(&q->messages), l->second_ms);
	next = sooner(next, sooner(l->scan.next_ms, resolve_next(q)));
	next = sooner(next, sooner(index_next(&l->console.index), badmail_sweep_next(&l->badmail_sweep)));
	next = sooner(next, ages_next(&l->console.ages));
	if (blocked(q))
		next = sooner(next, l->sweep_ms);
	return next > q->mono_ms ? next - q->mono_ms : 0;
}

/* The deliveries of a turn. True when there is more to do at once. */
static bool deliver(struct loop *l)
{
	struct queue *q = &l->queue;
	wake_due(q);
	bool more = adopt(l);
	load_ready(q);
	sweep(l);
	more |= dispatch(q, &q->delivery);
	more |= dispatch(q, &q->local);
	links_want(q, &q->delivery);
	links_want(q, &q->local);
	return more | (!TAILQ_EMPTY(&q->messages.ready) && queue_may_begin(q));
}

int64_t loop_turn(struct loop *l)
{
	struct queue *q = &l->queue;
	queue_clock(q);
	bool more = scan_list(&l->scan, &queue_server(q)->delivery.retry, q->mono_ms, q->wall_ms);
	resolved_expire(q);
	each_second(l);
	more |= console_turn(&l->console);
	index_turn(&l->console.index, q);
	ages_turn(&l->console.ages, q);
	badmail_sweep_turn(&l->badmail_sweep, q->store.badmail_fd, queue_server(q), q->mono_ms, q->wall_ms);
	q->badmail = l->badmail_sweep.found;
	more |= drops_count(&q->drops, q->mono_ms);
	if (!q->messages.all_known || q->stopping || writable_stops(&q->writable))
		return more ? 0 : SWEEP_MS;
	more |= deliver(l);
	return more ? 0 : wait_ms(l);
}
