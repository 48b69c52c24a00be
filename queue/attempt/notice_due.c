#include "queue/attempt/notice_due.h"

#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/rules/schedule.h"

static bool is_local(const struct queue *q, const struct loaded *w, size_t rcpt)
{
	struct route route;
	loaded_route(w, rcpt, queue_server(q), &route);
	return route.kind == ROUTE_DROP;
}

static bool is_delay_notice_due(const struct queue *q, const struct loaded *w, size_t rcpt)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	int64_t late = (int64_t)w->late_s[rcpt] * 1000;
	unsigned notify = w->notify[rcpt];
	if (notify & LOADED_WARNED || !dsn_wants(notify, DSN_DELAY))
		return false;
	if (late < schedule_notice(delivery, true) && late < schedule_notice(delivery, false))
		return false;
	struct route route;
	loaded_route(w, rcpt, queue_server(q), &route);
	if (route.etrn)
		return false; /* such mail is meant to wait */
	int64_t limit = schedule_notice(delivery, route.kind == ROUTE_DROP);
	return schedule_over(&delivery->retry, limit, late, w->tries[rcpt]);
}

enum notice_due notice_due_of(const struct queue *q, const struct message *m, size_t rcpt)
{
	const struct loaded *w = m->loaded;
	if (!w->sender.text.len)
		return NOTICE_DUE_NOTHING;
	switch (w->states[rcpt]) {
	case RECIPIENT_FAILED:
		return NOTICE_DUE_FAILURE;
	case RECIPIENT_SUCCEEDED:
		return NOTICE_DUE_SUCCESS;
	case RECIPIENT_OPEN:
	case RECIPIENT_DELAYED:
		return is_delay_notice_due(q, w, rcpt) ? NOTICE_DUE_DELAY : NOTICE_DUE_NOTHING;
	default:
		return NOTICE_DUE_NOTHING;
	}
}

bool notice_due_anything(const struct queue *q, const struct message *m)
{
	for (size_t i = 0; i < m->loaded->rcpt_count; i++)
		if (notice_due_of(q, m, i) != NOTICE_DUE_NOTHING)
			return true;
	return false;
}

bool notice_due_still(const struct queue *q, const struct job *j)
{
	for (size_t i = 0; i < j->message->loaded->rcpt_count; i++)
		if (job_has(j, i) && notice_due_of(q, j->message, i) != NOTICE_DUE_NOTHING)
			return true;
	return false;
}

/* The last journal line that the notice tells. */
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

/* When the first of the delayed recipients expires; wall clock, 0 = none is delayed. */
static int64_t first_expiry(const struct queue *q, const struct message *m)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	int64_t first = INT64_MAX;
	for (size_t i = 0; i < m->loaded->rcpt_count; i++) {
		if (notice_due_of(q, m, i) != NOTICE_DUE_DELAY)
			continue;
		int64_t expire = schedule_expire(delivery, is_local(q, m->loaded, i));
		if (expire < first)
			first = expire;
	}
	return first == INT64_MAX ? 0 : msgid_time(m->id) * 1000 + first;
}

bool notice_due_begin(struct queue *q, struct message *m)
{
	struct loaded *w = m->loaded;
	struct destination *d = destination_notices(&q->destinations);
	w->notice_until_ms = first_expiry(q, m);
	struct latest latest = {.delays = w->notice_until_ms != 0};
	bool ok = d && store_journal_read(&q->store, m, look, &latest) == 0;
	w->notice_at_ms = latest.wall_ms ? latest.wall_ms : msgid_time(m->id) * 1000;
	for (size_t i = 0; ok && i < w->rcpt_count; i++)
		if (notice_due_of(q, m, i) != NOTICE_DUE_NOTHING)
			ok = job_take(&q->local, m, d, JOB_NOTICE, i, q->mono_ms) != NULL;
	return ok;
}
