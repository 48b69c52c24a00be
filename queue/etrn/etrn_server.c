#include "queue/etrn/etrn_server.h"

#include "queue/model/atrn.h"
#include "queue/model/etrn_hold.h"
#include "queue/model/waiting.h"

enum {
	LINGER_MS = 10 * 1000, /* a next hop stays open after its last job: messages may be being loaded */
	NAMES_OPEN_MAX = 1000  /* next hops that requests created and no mail uses */
};

static size_t count_waiting(const struct destination *d)
{
	const struct message *m;
	size_t n = 0;
	TAILQ_FOREACH(m, &d->waiting, at_next_hop)
	n++;
	return n;
}

/* Releases messages, as many as D can use now. */
static void go_on(struct queue *q, struct destination *d)
{
	struct message *m = TAILQ_FIRST(&d->waiting);
	if (!m)
		d->etrn->to_release = 0;
	else if (!d->down_ms || etrn_hold_next_hop(d) != d)
		waiting_refill(&q->messages, d);
	else if (d->down_until <= q->mono_ms && !d->queued && !d->at_workers && etrn_hold_release_one(d))
		waiting_hurry(&q->messages, m); /* one message tries whether the host is back */
}

static void open_hold(struct queue *q, struct destination *d)
{
	struct destination *held = NULL;
	destination_ref(&q->destinations, &held, d);
	etrn_hold_open(d, q->mono_ms);
	d->etrn->to_release = count_waiting(d);
	destination_retry(d, q->mono_ms);
	pool_update_ring(&q->delivery, d, q->mono_ms);
	go_on(q, d);
	destination_ref(&q->destinations, &held, NULL);
}

bool etrn_server_has_several(struct queue *q)
{
	struct destination *d = etrn_hold_several(&q->destinations);
	return d && !TAILQ_EMPTY(&d->waiting);
}

/* Releases the messages that wait for several domains as well; they are routed again, and may wait again. */
static void open_several(struct queue *q)
{
	struct destination *d = etrn_hold_several(&q->destinations);
	if (d && !TAILQ_EMPTY(&d->waiting) && q->mono_ms - d->etrn->requested_ms >= ETRN_AGAIN_MS) {
		d->etrn->requested_ms = q->mono_ms;
		d->etrn->to_release = count_waiting(d);
		go_on(q, d);
	}
}

void etrn_server_make_hop(struct queue *q, struct span domain)
{
	const struct address address = {.domain = domain};
	struct route route;
	size_t unused = 0;
	route_decide(queue_server(q), &address, NULL, &route);
	for (const struct destination *d = q->destinations.table; d; d = d->hh.next)
		unused += d->etrn && !d->refs;
	if (route.etrn && unused < NAMES_OPEN_MAX)
		(void)destination_get(&q->destinations, &route, NULL);
}

/* What one request has found so far. */
struct tally {
	size_t waiting;
	bool under_way;
};

static void request_one(struct queue *q, struct destination *d, struct tally *tally)
{
	bool again = d->etrn->requested_ms && q->mono_ms - d->etrn->requested_ms < ETRN_AGAIN_MS;
	size_t waiting = count_waiting(d);
	tally->under_way |= d->queued || d->at_workers || (again && waiting);
	if (again)
		return;
	d->etrn->requested_ms = q->mono_ms;
	tally->waiting += waiting;
	open_hold(q, d);
}

/* UNSURE: the waiting messages can't be counted. */
static enum etrn_event conclude(const struct tally *tally, bool unsure, uint64_t *count)
{
	*count = tally->waiting;
	if (tally->waiting || (unsure && !tally->under_way))
		return ETRN_BEGUN;
	return tally->under_way ? ETRN_UNDER_WAY : ETRN_NOTHING;
}

enum etrn_event etrn_server_request(struct etrn *e, const struct etrn_node *node, uint64_t *count)
{
	struct queue *q = e->queue;
	struct tally tally = {0};
	*count = 0;
	if (!etrn_covers(queue_server(q), node))
		return ETRN_REFUSED;
	if (e->requests++ >= ETRN_A_SECOND || (node->below && !etrn_server_knows_all(e)))
		return ETRN_LATER;
	etrn_server_make_hop(q, node->domain);
	bool several = etrn_server_has_several(q);
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		next = d->hh.next;
		const struct config_remote_domain *remote;
		if (!d->etrn || !etrn_means(node, span_of(d->etrn->domain)))
			continue;
		remote = etrn_find(queue_server(q), span_of(d->etrn->domain));
		if (remote && etrn_may_ask(remote))
			request_one(q, d, &tally);
	}
	open_several(q);
	return conclude(&tally, several || !etrn_server_knows_all(e), count);
}

size_t etrn_server_connect(struct queue *q, struct destination *d, struct destination *connection)
{
	destination_ref(&q->destinations, &d->etrn->connection, connection);
	d->etrn->to_release = count_waiting(d);
	size_t called = d->etrn->to_release;
	open_several(q);
	go_on(q, d);
	return called;
}

static void tend(struct queue *q, struct destination *d)
{
	struct etrn_hold *hold = d->etrn;
	if (hold->connection && !atrn_is_up(hold->connection)) {
		destination_ref(&q->destinations, &hold->connection, NULL);
		hold->to_release = 0;
	}
	bool busy = d->queued || d->at_workers || (hold->to_release && !d->down_ms);
	if (hold->open_until && busy && hold->open_until < q->mono_ms + LINGER_MS)
		hold->open_until = q->mono_ms + LINGER_MS;
	if (hold->open_until <= q->mono_ms)
		hold->open_until = 0;
	bool goes_on = d->kind == DESTINATION_SEVERAL || etrn_hold_is_open(d, q->mono_ms);
	if (!goes_on)
		hold->to_release = 0;
	else if (hold->to_release)
		go_on(q, d);
}

void etrn_server_tend(struct etrn *e)
{
	struct queue *q = e->queue;
	e->requests = 0;
	(void)etrn_server_knows_all(e); /* the moment when all is loaded may be short */
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		struct destination *held = NULL;
		destination_ref(&q->destinations, &held, d);
		if (d->etrn)
			tend(q, d);
		next = d->hh.next;
		destination_ref(&q->destinations, &held, NULL);
	}
}

bool etrn_server_knows_all(struct etrn *e)
{
	const struct messages *messages = &e->queue->messages;
	const size_t *counts = messages->counts;
	if (!e->knows_all)
		e->knows_all = messages->all_known && !counts[MESSAGE_LISTED] && !counts[MESSAGE_FOUND] &&
			       !counts[MESSAGE_PROBED] && !counts[MESSAGE_READY];
	return e->knows_all;
}
