#include "queue/attempt/assign.h"

#include "common/base/log.h"
#include "queue/attempt/etrn_wait.h"
#include "queue/attempt/local_drop.h"
#include "queue/attempt/note.h"
#include "queue/attempt/resolve.h"
#include "queue/model/etrn_hold.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"

static void note_no_route(struct queue *q, struct message *m, size_t rcpt, const char *why)
{
	const struct attempt_result result = {.event = JOURNAL_FAILED, .enhanced = {5, 1, 2}, .text = span_of(why)};
	log_info("id=%s to=<%.*s> status=failed text=\"%s\"", m->id, SPAN_ARGS(m->loaded->rcpts[rcpt].text), why);
	note_result(q, m, NULL, rcpt, rcpt, &result);
}

bool assign_jobs(struct queue *q, struct message *m)
{
	struct loaded *w = m->loaded;
	struct destination *d = NULL;
	struct span domain = {NULL, 0};
	struct route route = {.kind = ROUTE_NONE};
	for (size_t i = 0; i < w->rcpt_count; i++) {
		if (w->states[i] != RECIPIENT_OPEN)
			continue;
		if (!d || !span_equal_nocase(domain, w->rcpts[i].domain)) {
			domain = w->rcpts[i].domain;
			loaded_route(w, i, queue_server(q), &route);
			d = route.kind == ROUTE_NONE ? NULL : queue_destination(q, &route);
			d = d ? etrn_hold_next_hop(d) : NULL;
		}
		if (route.kind == ROUTE_NONE)
			note_no_route(q, m, i, route.why);
		else if (d && route.kind == ROUTE_DROP && local_drop_lacks_room(q, m, d, i))
			continue;
		else if (d && etrn_wait_holds(q, m, d, i))
			continue;
		else if (!d || !job_take(queue_pool(q, d), m, d, route.kind == ROUTE_DROP ? JOB_COPY : JOB_SMTP, i,
					 q->mono_ms))
			return false;
		else
			resolve_ask(q, d);
	}
	return true;
}

void assign_refuse_hopeless(struct queue *q, struct message *m)
{
	struct job *next;
	for (struct job *j = TAILQ_FIRST(&m->loaded->jobs); j; j = next) {
		struct destination *d = j->destination;
		next = TAILQ_NEXT(j, of_message);
		if (m->watched)
			destination_retry(d, q->mono_ms);
		if (destination_worth_waiting(d, q->mono_ms))
			continue;
		const struct attempt_result result = {
			.event = JOURNAL_DELAYED,
			.enhanced = {4, destination_is_local(d) ? 3 : 4, destination_is_local(d) ? 0 : 1},
			.text = span_of(d->reason)};
		note_result(q, m, j, 0, m->loaded->rcpt_count - 1, &result);
		m->loaded->unreachable = d;
		job_end(j, false, q->mono_ms);
	}
}
