#include "queue/etrn/demand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "queue/attempt/queue.h"
#include "queue/attempt/settle.h"
#include "queue/etrn/turned.h"
#include "queue/rules/schedule.h"

enum {
	LEFT_MIN_MS = 1000,
	LINGER_MS = 10 * 1000, /* a way stays open after the last job: others may be being loaded */
	NAMES_OPEN_MAX = 1000  /* next hops made for requests alone */
};

struct demand *demand_new(const struct route *route)
{
	struct demand *demand = calloc(1, sizeof(*demand));
	if (!demand)
		return NULL;
	demand->expire_ms = route->demand->expire;
	if (span_copy(route->domain, demand->domain, sizeof(demand->domain)))
		for (char *c = demand->domain; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
	return demand;
}

static bool has_connection(const struct destination *d)
{
	return d->demand->turned && turned_stands(d->demand->turned);
}

bool demand_is_open(const struct destination *d, int64_t now_ms)
{
	return !d->demand || d->demand->open_until > now_ms || d->queued || d->at_workers || has_connection(d);
}

bool demand_takes_call(struct destination *d)
{
	return !d->demand || (d->demand->called && d->demand->called--);
}

struct destination *demand_way(struct destination *d)
{
	return d->demand && has_connection(d) ? d->demand->turned : d;
}

int64_t demand_expire(const struct destination *d)
{
	return d->demand ? d->demand->expire_ms : turned_is(d) ? d->turned->expire_ms : 0;
}

static void expire(struct queue *q, struct message *m, const struct destination *d, size_t at, int64_t age)
{
	char duration[CLOCK_TEXT_MAX], text[DOMAIN_MAX + 100];
	clock_duration(age, duration);
	snprintf(text, sizeof(text), "expired after %s: nobody has asked for the mail of %s", duration,
		 d->demand->domain);
	const struct settle_result result = {.event = JOURNAL_FAILED, .enhanced = {4, 4, 7}, .text = span_of(text)};
	log_info("id=%s to=<%.*s> status=failed enhanced=4.4.7 text=\"%s\"", m->id, SPAN_ARGS(m->whole->rcpts[at].text),
		 text);
	settle_note(q, m, NULL, at, at, &result);
}

bool demand_holds(struct queue *q, struct message *m, const struct destination *d, size_t at)
{
	if (demand_is_open(d, q->mono_ms))
		return false;
	int64_t age = schedule_age(m->id, q->wall_ms);
	if (age >= d->demand->expire_ms)
		expire(q, m, d, at, age);
	else
		whole_set(m->whole, at, RECIPIENT_DELAYED);
	return true;
}

/* That of messages whose recipients wait for more than one thing. */
static struct destination *several(struct queue *q)
{
	static const char key[] = "several domains, on demand";
	static const struct config_remote_domain none;
	const struct route route = {.demand = &none};
	struct destination *d = destination_find(&q->destinations, key);
	if (d)
		return d;
	d = destination_make(&q->destinations, DESTINATION_SEVERAL, key);
	if (d)
		d->demand = demand_new(&route);
	return d;
}

struct destination *demand_of(struct queue *q, const struct message *m, int64_t *left_ms)
{
	const struct whole *w = m->whole;
	int64_t age = schedule_age(m->id, q->wall_ms), left = INT64_MAX;
	struct destination *first = NULL;
	bool alone = true, all = true;
	struct route route;
	for (size_t i = 0; i < w->rcpt_count; i++) {
		if (w->states[i] != RECIPIENT_DELAYED)
			continue;
		whole_route(w, i, queue_server(q), &route);
		all &= route.demand != NULL;
		if (!route.demand)
			continue;
		struct destination *d = destination_get(&q->destinations, &route, NULL);
		alone &= !first || first == d;
		first = d;
		if (route.demand->expire - age < left)
			left = route.demand->expire - age;
	}
	*left_ms = !all || !first ? 0 : left > LEFT_MIN_MS ? left : LEFT_MIN_MS;
	return !first || (alone && all) ? first : several(q);
}

static size_t count_waiting(const struct destination *d)
{
	const struct message *m;
	size_t n = 0;
	TAILQ_FOREACH(m, &d->waiting, at_next_hop)
	n++;
	return n;
}

/* Brings back what is called, as far as that is of use now. */
static void go_on(struct queue *q, struct destination *d)
{
	struct message *m = TAILQ_FIRST(&d->waiting);
	if (!m)
		d->demand->called = 0;
	else if (!d->down_ms || demand_way(d) != d)
		settle_refill(q, d);
	else if (d->down_until <= q->mono_ms && !d->queued && !d->at_workers && demand_takes_call(d))
		settle_hurry(q, m); /* one that looks whether the host is back */
}

void demand_admit(const struct queue *q, struct destination *d)
{
	if (d->kind != DESTINATION_SEVERAL)
		d->demand->open_until = q->mono_ms + DEMAND_OPEN_MS;
}

static void open_way(struct queue *q, struct destination *d)
{
	struct destination *held = NULL;
	destination_ref(&q->destinations, &held, d);
	demand_admit(q, d);
	d->demand->called = count_waiting(d);
	destination_retry(d, q->mono_ms);
	pool_update_ring(&q->delivery, d, q->mono_ms);
	go_on(q, d);
	destination_ref(&q->destinations, &held, NULL);
}

bool demand_is_mixed(struct queue *q)
{
	struct destination *d = several(q);
	return d && !TAILQ_EMPTY(&d->waiting);
}

/* Messages that wait for more than one domain come, too, and those wait on that must. */
static void open_several(struct queue *q)
{
	struct destination *d = several(q);
	if (d && !TAILQ_EMPTY(&d->waiting) && q->mono_ms - d->demand->asked_ms >= DEMAND_AGAIN_MS) {
		d->demand->asked_ms = q->mono_ms;
		d->demand->called = count_waiting(d);
		go_on(q, d);
	}
}

void demand_make_known(struct queue *q, struct span domain)
{
	const struct address address = {.domain = domain};
	struct route route;
	size_t unused = 0;
	route_decide(queue_server(q), &address, NULL, &route);
	for (const struct destination *d = q->destinations.table; d; d = d->hh.next)
		unused += d->demand && !d->refs;
	if (route.demand && unused < NAMES_OPEN_MAX)
		(void)destination_get(&q->destinations, &route, NULL);
}

/* What one request has met so far. */
struct tally {
	size_t waiting;
	bool under_way;
};

static void ask_for(struct queue *q, struct destination *d, struct tally *tally)
{
	bool again = d->demand->asked_ms && q->mono_ms - d->demand->asked_ms < DEMAND_AGAIN_MS;
	size_t waiting = count_waiting(d);
	tally->under_way |= d->queued || d->at_workers || (again && waiting);
	if (again)
		return;
	d->demand->asked_ms = q->mono_ms;
	tally->waiting += waiting;
	open_way(q, d);
}

/* UNSURE: what waits can't be counted. */
static enum etrn_event conclude(const struct tally *tally, bool unsure, uint64_t *count)
{
	*count = tally->waiting;
	if (tally->waiting || (unsure && !tally->under_way))
		return ETRN_BEGUN;
	return tally->under_way ? ETRN_UNDER_WAY : ETRN_NOTHING;
}

enum etrn_event demand_asked(struct queue *q, const struct etrn_node *node, uint64_t *count)
{
	struct tally tally = {0};
	*count = 0;
	if (!etrn_covers(queue_server(q), node))
		return ETRN_REFUSED;
	if (q->requests++ >= DEMAND_A_SECOND || (node->below && !demand_knows_all(q)))
		return ETRN_LATER;
	demand_make_known(q, node->domain);
	bool mixed = demand_is_mixed(q);
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		next = d->hh.next;
		const struct config_remote_domain *remote;
		if (!d->demand || !etrn_means(node, span_of(d->demand->domain)))
			continue;
		remote = etrn_find(queue_server(q), span_of(d->demand->domain));
		if (remote && etrn_may_ask(remote))
			ask_for(q, d, &tally);
	}
	open_several(q);
	return conclude(&tally, mixed || !demand_knows_all(q), count);
}

size_t demand_turn(struct queue *q, struct destination *d, struct destination *connection)
{
	destination_ref(&q->destinations, &d->demand->turned, connection);
	d->demand->called = count_waiting(d);
	size_t called = d->demand->called;
	open_several(q);
	go_on(q, d);
	return called;
}

static void tend(struct queue *q, struct destination *d)
{
	struct demand *demand = d->demand;
	if (demand->turned && !turned_stands(demand->turned)) {
		destination_ref(&q->destinations, &demand->turned, NULL);
		demand->called = 0;
	}
	bool busy = d->queued || d->at_workers || (demand->called && !d->down_ms);
	if (demand->open_until && busy && demand->open_until < q->mono_ms + LINGER_MS)
		demand->open_until = q->mono_ms + LINGER_MS;
	if (demand->open_until <= q->mono_ms)
		demand->open_until = 0;
	bool goes_on = d->kind == DESTINATION_SEVERAL || demand_is_open(d, q->mono_ms);
	if (!goes_on)
		demand->called = 0;
	else if (demand->called)
		go_on(q, d);
}

void demand_tend(struct queue *q)
{
	q->requests = 0;
	(void)demand_knows_all(q); /* there may be one quiet moment only */
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		struct destination *held = NULL;
		destination_ref(&q->destinations, &held, d);
		if (d->demand)
			tend(q, d);
		next = d->hh.next;
		destination_ref(&q->destinations, &held, NULL);
	}
}

bool demand_knows_all(struct queue *q)
{
	const size_t *counts = q->messages.counts;
	if (!q->knows_all)
		q->knows_all = q->scan.listed && !counts[MESSAGE_LISTED] && !counts[MESSAGE_FOUND] &&
			       !counts[MESSAGE_PROBED] && !counts[MESSAGE_READY];
	return q->knows_all;
}

void demand_describe(const struct destination *d, int64_t now_ms, char *to, size_t size)
{
	to[0] = '\0';
	if (d->kind == DESTINATION_SEVERAL)
		snprintf(to, size, "waits for ETRN");
	else if (d->demand && !demand_is_open(d, now_ms) && !TAILQ_EMPTY(&d->waiting))
		snprintf(to, size, "waits for ETRN %s", d->demand->domain);
}
