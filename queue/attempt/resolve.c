#include "queue/attempt/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/attempt/jobs.h"
#include "queue/attempt/settle.h"
#include "queue/rules/schedule.h"

enum { ANSWER_WITHIN_MS = 30 * 1000, ANSWERS_AT_ONCE = 64 };

/* One request under way; the oldest first. */
struct request {
	TAILQ_ENTRY(request) place;
	UT_hash_handle hh;
	uint32_t serial;
	struct destination *destination; /* counted; NULL: an asker has it */
	struct resolve_asker *asker;
	const struct target *what;
	size_t target; /* its number */
	int64_t deadline;
};
TAILQ_HEAD(request_list, request);

struct resolve {
	struct request_list list;
	struct request *by_serial;
	uint32_t last_serial;
};

static struct resolve *state_of(struct queue *q)
{
	if (!q->resolving) {
		q->resolving = calloc(1, sizeof(*q->resolving));
		if (!q->resolving)
			log_fatal(EXIT_TEMPORARY, "out of memory");
		TAILQ_INIT(&q->resolving->list);
	}
	return q->resolving;
}

static void request_free(struct queue *q, struct request *r)
{
	TAILQ_REMOVE(&q->resolving->list, r, place);
	HASH_DEL(q->resolving->by_serial, r);
	destination_ref(&q->destinations, &r->destination, NULL);
	free(r);
}

/* WHY NULL: the resolver is gone, of which master tells. */
static void drop_link(struct queue *q, const char *why)
{
	if (why)
		log_warning("link to the resolver closed: %s", why);
	fd_close(&q->resolver);
}

static void send_request(struct queue *q, const struct request *r)
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
		drop_link(q, strerror(-err));
	else if (err && err != -EAGAIN) /* a full link: the deadline sees to it */
		log_warning("can't ask the resolver for %s: %s", t->name, strerror(-err));
}

static void ask(struct queue *q, struct destination *d, struct resolve_asker *asker, const struct target *what,
		size_t at)
{
	struct resolve *state = state_of(q);
	struct request *r = calloc(1, sizeof(*r));
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
	struct request *r, *next;
	for (r = TAILQ_FIRST(&state_of(q)->list); r; r = next) {
		next = TAILQ_NEXT(r, place);
		if (r->asker == asker)
			request_free(q, r);
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

/* WHY, and the setting that leads D's mail there: the administrator is to mend it. */
static void blame_setting(const struct queue *q, const struct destination *d, struct span why, struct str *text)
{
	const struct job *j = TAILQ_FIRST(&d->jobs);
	struct route route;
	str_append(text, why);
	if (!j)
		return;
	whole_route(j->message->whole, job_first(j), queue_server(q), &route);
	const struct route_rule *rule = &route.rules[route.rule_count - 1];
	str_printf(text, "; see %s in %s:%u", rule->what, rule->origin.file ? rule->origin.file : "the defaults",
		   rule->origin.line);
}

/* Without an address D is as good as down, and is asked for as a host that is down is tried. */
static void note_down(struct queue *q, struct destination *d, struct span why)
{
	char reason[DESTINATION_REASON_MAX];
	bool was_up = d->down_ms == 0;
	snprintf(reason, sizeof(reason), "%.*s", SPAN_ARGS(why));
	destination_down(d, q->mono_ms, 0, schedule_down_max(&queue_server(q)->delivery.retry), reason);
	if (was_up)
		log_warning("next hop %s is down: %s", d->key, reason);
}

/* What else was asked for D does not matter any more. */
static void stop_asking(struct queue *q, const struct destination *d)
{
	struct request *r, *next;
	for (r = TAILQ_FIRST(&q->resolving->list); r; r = next) {
		next = TAILQ_NEXT(r, place);
		if (r->destination == d)
			request_free(q, r);
	}
}

/* The answer for R's target, and with the last answer what follows for the destination. */
static void conclude(struct queue *q, struct request *r, enum target_state state, const struct wire_resolved *answer)
{
	struct destination *d = NULL;
	struct span rest;
	struct str text;
	struct settle_result refusal = {.event = JOURNAL_DELAYED, .text = answer->text};
	destination_ref(&q->destinations, &d, r->destination);
	enum destination_answer all =
		destination_answer(d, r->target, state, answer->hosts, (int64_t)answer->ttl_s * 1000, q->mono_ms);
	bool written = !d->targets[r->target].found;
	request_free(q, r);
	if (state == TARGET_CLOSED)
		stop_asking(q, d);
	str_init(&text, JOURNAL_LINE_MAX);
	if (!enhanced_parse(answer->enhanced, &refusal.enhanced, &rest))
		refusal.enhanced = (struct enhanced){4, 4, 3};
	if (all == DESTINATION_NEVER) {
		refusal.event = JOURNAL_FAILED;
	} else if (state == TARGET_NEVER && written) {
		blame_setting(q, d, answer->text, &text);
		refusal.enhanced = (struct enhanced){4, 4, 4};
		refusal.text = str_span(&text);
	} else {
		refusal.enhanced.class = 4;
	}
	if (all == DESTINATION_LATER)
		note_down(q, d, refusal.text);
	if (all == DESTINATION_LATER || all == DESTINATION_NEVER)
		settle_refuse(q, d, &refusal);
	str_free(&text);
	pool_update_ring(queue_pool(q, d), d, q->mono_ms);
	destination_ref(&q->destinations, &d, NULL);
}

/* R has its answer. */
static void deliver(struct queue *q, struct request *r, enum target_state state, const struct wire_resolved *answer)
{
	struct resolve_asker *asker = r->asker;
	size_t at = r->target;
	if (!asker) {
		conclude(q, r, state, answer);
		return;
	}
	request_free(q, r);
	asker->answered(asker, at, state, answer);
}

static bool valid_hosts(struct span hosts)
{
	struct host host;
	int got, count = 0;
	while ((got = hosts_next(&hosts, &host)) == 1)
		if (++count > HOSTS_MAX)
			return false;
	return got == 0 && count > 0;
}

/* The recipient's domain takes no mail (a null MX), or we ourselves should have it: no way for a smart host. */
static bool is_closed(const struct target *t, const struct wire_resolved *answer)
{
	return t->found &&
	       (span_equal(answer->enhanced, SPAN("5.1.10")) || span_equal(answer->enhanced, SPAN("5.4.6")));
}

static bool take_answer(struct queue *q, struct span packet)
{
	static const enum target_state states[] = {TARGET_FOUND, TARGET_LATER, TARGET_NEVER};
	struct wire_resolved answer;
	struct request *r;
	if (!wire_decode_resolved(packet, &answer))
		return false;
	enum target_state state = states[answer.event];
	if (state == TARGET_FOUND && !valid_hosts(answer.hosts))
		return false;
	uint32_t serial = (uint32_t)answer.serial;
	HASH_FIND(hh, state_of(q)->by_serial, &serial, sizeof(serial), r);
	if (!r)
		return true; /* too late */
	deliver(q, r, state == TARGET_NEVER && is_closed(r->what, &answer) ? TARGET_CLOSED : state, &answer);
	return true;
}

bool resolve_receive(struct queue *q)
{
	struct ipc_packet packet;
	for (int i = 0; i < ANSWERS_AT_ONCE && q->resolver >= 0; i++) {
		int err = ipc_receive(q->resolver, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
		if (err == -EAGAIN)
			return true;
		if (err || packet.eof) {
			drop_link(q, err ? strerror(-err) : NULL);
			return false;
		}
		bool ok = packet.fd_count == 0 && take_answer(q, packet.text);
		ipc_packet_close(&packet);
		if (!ok) {
			drop_link(q, "it sent what is no answer");
			return false;
		}
	}
	return q->resolver >= 0;
}

void resolve_attach(struct queue *q, int fd)
{
	struct request *r;
	fd_close(&q->resolver);
	q->resolver = fd;
	TAILQ_FOREACH(r, &state_of(q)->list, place)
	send_request(q, r);
}

void resolve_expire(struct queue *q)
{
	const struct wire_resolved none = {.text = SPAN("the resolver did not answer in time")};
	struct request *r;
	while ((r = TAILQ_FIRST(&state_of(q)->list)) && r->deadline <= q->mono_ms)
		deliver(q, r, TARGET_LATER, &none);
}

int64_t resolve_next(const struct queue *q)
{
	const struct request *r = q->resolving ? TAILQ_FIRST(&q->resolving->list) : NULL;
	return r ? r->deadline : INT64_MAX;
}

void resolve_free(struct queue *q)
{
	while (q->resolving && !TAILQ_EMPTY(&q->resolving->list))
		request_free(q, TAILQ_FIRST(&q->resolving->list));
	free(q->resolving);
	q->resolving = NULL;
}
