#include "queue/attempt/owed.h"

#include "queue/attempt/jobs.h"
#include "queue/rules/schedule.h"

static bool is_local(const struct queue *q, const struct whole *w, size_t rcpt)
{
	struct route route;
	whole_route(w, rcpt, queue_server(q), &route);
	return route.kind == ROUTE_DROP;
}

static bool owes_delay(const struct queue *q, const struct whole *w, size_t rcpt)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	int64_t late = (int64_t)w->late_s[rcpt] * 1000;
	unsigned wish = w->wishes[rcpt];
	if (wish & WHOLE_WARNED || !dsn_wants(wish, DSN_DELAY))
		return false;
	if (late < schedule_notice(delivery, true) && late < schedule_notice(delivery, false))
		return false;
	struct route route;
	whole_route(w, rcpt, queue_server(q), &route);
	if (route.demand)
		return false; /* to wait is what it was sent for */
	int64_t limit = schedule_notice(delivery, route.kind == ROUTE_DROP);
	return schedule_over(&delivery->retry, limit, late, w->tries[rcpt]);
}

enum owed owed_of(const struct queue *q, const struct message *m, size_t rcpt)
{
	const struct whole *w = m->whole;
	if (!w->sender.text.len)
		return OWED_NOTHING;
	switch (w->states[rcpt]) {
	case RECIPIENT_FAILED:
		return OWED_FAILURE;
	case RECIPIENT_SUCCEEDED:
		return OWED_SUCCESS;
	case RECIPIENT_OPEN:
	case RECIPIENT_DELAYED:
		return owes_delay(q, w, rcpt) ? OWED_DELAY : OWED_NOTHING;
	default:
		return OWED_NOTHING;
	}
}

bool owed_anything(const struct queue *q, const struct message *m)
{
	for (size_t i = 0; i < m->whole->rcpt_count; i++)
		if (owed_of(q, m, i) != OWED_NOTHING)
			return true;
	return false;
}

bool owed_still(const struct queue *q, const struct job *j)
{
	for (size_t i = 0; i < j->message->whole->rcpt_count; i++)
		if (job_has(j, i) && owed_of(q, j->message, i) != OWED_NOTHING)
			return true;
	return false;
}

/* The last line of the journal that the notice tells. */
struct latest {
	bool delays;
	int64_t wall_ms;
};

static void look(void *context, const struct journal_line *line)
{
	struct latest *latest = context;
	bool told = line->event == JOURNAL_FAILED || line->event == JOURNAL_RELAYED ||
		    (line->event == JOURNAL_DELIVERED && !line->host.len) ||
		    (line->event == JOURNAL_DELAYED && latest->delays);
	if (told && line->wall_ms > latest->wall_ms)
		latest->wall_ms = line->wall_ms;
}

/* When what is delayed will be given up: the first of it. */
static int64_t until(const struct queue *q, const struct message *m)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	int64_t first = INT64_MAX;
	for (size_t i = 0; i < m->whole->rcpt_count; i++) {
		if (owed_of(q, m, i) != OWED_DELAY)
			continue;
		int64_t expire = schedule_expire(delivery, is_local(q, m->whole, i));
		if (expire < first)
			first = expire;
	}
	return first == INT64_MAX ? 0 : msgid_time(m->id) * 1000 + first;
}

bool owed_begin(struct queue *q, struct message *m)
{
	struct whole *w = m->whole;
	struct destination *d = destination_notices(&q->destinations);
	w->notice_until_ms = until(q, m);
	struct latest latest = {.delays = w->notice_until_ms != 0};
	bool ok = d && store_journal_read(&q->store, m, look, &latest) == 0;
	w->notice_at_ms = latest.wall_ms ? latest.wall_ms : q->wall_ms;
	for (size_t i = 0; ok && i < w->rcpt_count; i++)
		if (owed_of(q, m, i) != OWED_NOTHING)
			ok = job_take(q, m, d, JOB_NOTICE, i) != NULL;
	return ok;
}
