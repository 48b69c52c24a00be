#include "queue/attempt/resolved.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/resolve.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/rules/schedule.h"

enum { ANSWERS_AT_ONCE = 64 };

/* Appends WHY and the setting that leads mail to D, for the administrator to correct. */
static void blame_setting(const struct queue *q, const struct destination *d, struct span why, struct str *text)
{
	const struct job *j = TAILQ_FIRST(&d->jobs);
	struct route route;
	str_append(text, why);
	if (!j)
		return;
	loaded_route(j->message->loaded, job_first(j), queue_server(q), &route);
	const struct route_rule *rule = &route.rules[route.rule_count - 1];
	str_append_text(text, "; ");
	str_printf(text, N_("see %s in %s:%u"), rule->what, rule->origin.file ? rule->origin.file : "the defaults",
		   rule->origin.line);
}

/* Without an address D counts as down. It is looked up again after the back-off. */
static void note_down(struct queue *q, struct destination *d, struct span why)
{
	char reason[DESTINATION_REASON_MAX];
	bool was_up = d->down_ms == 0;
	snprintf(reason, sizeof(reason), "%.*s", SPAN_ARGS(why));
	destination_down(d, q->mono_ms, 0, schedule_down_max(&queue_server(q)->delivery.retry), reason);
	if (was_up)
		log_warning("next hop %s is down: %s", d->key, reason);
}

/* Drops the other requests for D, which no longer matter. */
static void stop_asking(struct queue *q, const struct destination *d)
{
	struct resolve_request *r, *next;
	for (r = TAILQ_FIRST(&q->resolving->list); r; r = next) {
		next = TAILQ_NEXT(r, place);
		if (r->destination == d)
			resolve_end(q, r);
	}
}

/* Takes the answer for R's target. With the last answer, does what follows for the destination. */
static void conclude(struct queue *q, struct resolve_request *r, enum target_state state,
		     const struct wire_resolved *answer)
{
	struct destination *d = NULL;
	struct span rest;
	struct str text;
	struct attempt_result refusal = {.event = JOURNAL_DELAYED, .text = answer->text};
	destination_ref(&q->destinations, &d, r->destination);
	enum destination_answer all =
		destination_answer(d, r->target, state, answer->hosts, (int64_t)answer->ttl_s * 1000, q->mono_ms);
	bool written = !d->targets[r->target].found;
	resolve_end(q, r);
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
		attempt_refuse(q, d, &refusal);
	str_free(&text);
	pool_update_ring(queue_pool(q, d), d, q->mono_ms);
	destination_ref(&q->destinations, &d, NULL);
}

/* Hands the answer of R to its asker or its destination. */
static void deliver(struct queue *q, struct resolve_request *r, enum target_state state,
		    const struct wire_resolved *answer)
{
	struct resolve_asker *asker = r->asker;
	size_t at = r->target;
	if (!asker) {
		conclude(q, r, state, answer);
		return;
	}
	resolve_end(q, r);
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

/* The recipient's domain accepts no mail (null MX, RFC 7505), or its MX is this host. A smart host could not help. */
static bool is_closed(const struct target *t, const struct wire_resolved *answer)
{
	return t->found &&
	       (span_equal(answer->enhanced, SPAN("5.1.10")) || span_equal(answer->enhanced, SPAN("5.4.6")));
}

static bool take_answer(struct queue *q, struct span packet)
{
	static const enum target_state states[] = {TARGET_FOUND, TARGET_LATER, TARGET_NEVER};
	struct wire_resolved answer;
	struct resolve_request *r;
	if (!wire_admit(WIRE_LINK_resolver, WIRE_UP, packet) || !wire_decode_resolved(packet, &answer))
		return false;
	enum target_state state = states[answer.event];
	if (state == TARGET_FOUND && !valid_hosts(answer.hosts))
		return false;
	uint32_t serial = (uint32_t)answer.serial;
	HASH_FIND(hh, resolve_state(q)->by_serial, &serial, sizeof(serial), r);
	if (!r)
		return true; /* too late */
	deliver(q, r, state == TARGET_NEVER && is_closed(r->what, &answer) ? TARGET_CLOSED : state, &answer);
	return true;
}

bool resolved_receive(struct queue *q)
{
	struct ipc_packet packet;
	for (int i = 0; i < ANSWERS_AT_ONCE && q->resolver >= 0; i++) {
		int err = ipc_receive(q->resolver, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
		if (err == -EAGAIN)
			return true;
		if (err || packet.eof) {
			resolve_drop_link(q, err ? strerror(-err) : NULL);
			return false;
		}
		bool ok = packet.fd_count == 0 && take_answer(q, packet.text);
		ipc_packet_close(&packet);
		if (!ok) {
			resolve_drop_link(q, "it sent an invalid packet");
			return false;
		}
	}
	return q->resolver >= 0;
}

void resolved_expire(struct queue *q)
{
	const struct wire_resolved none = {.text = SPAN(N_("the resolver did not answer in time"))};
	struct resolve_request *r;
	while ((r = TAILQ_FIRST(&resolve_state(q)->list)) && r->deadline <= q->mono_ms)
		deliver(q, r, TARGET_LATER, &none);
}
