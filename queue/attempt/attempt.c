#include "queue/attempt/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/process/privs.h"
#include "common/spool/spool.h"
#include "queue/attempt/folder.h"
#include "queue/attempt/jobs.h"
#include "queue/attempt/load.h"
#include "queue/attempt/owed.h"
#include "queue/attempt/settle.h"
#include "queue/etrn/demand.h"
#include "queue/operator/console.h"
#include "queue/rules/schedule.h"

enum { LOCK_FIRST_MS = 5, LOCK_DOUBLINGS = 8, COUNT_SOON_MS = 50 };

bool attempt_may_begin(const struct queue *q)
{
	return q->whole_count < QUEUE_WHOLE_MAX && !writable_stops(q);
}

void attempt_take_back(struct queue *q, struct message *m, int64_t hold_ms)
{
	jobs_cancel(q, m);
	if (m->whole->job_count)
		return;
	m->put_off = m->whole->next_try != 0;
	load_undo(q, m);
	if (hold_ms)
		message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + hold_ms);
	else
		message_move(&q->messages, m, MESSAGE_READY);
}

/* All recipients were tried, and what is left is to tell the sender. */
static bool is_over(const struct message *m)
{
	const struct job *j = TAILQ_FIRST(&m->whole->jobs);
	return j && j->kind == JOB_NOTICE && m->whole->counts[RECIPIENT_DELAYED] && !m->whole->counts[RECIPIENT_OPEN];
}

/* The worker before has reported but not let go yet. Whoever is delayed waits as long as ever; only the notice comes
 * sooner. */
static void put_notice_off(struct queue *q, struct message *m, int64_t hold_ms)
{
	jobs_cancel(q, m);
	m->whole->notice_delayed = true;
	settle_message(q, m);
	m->waits_on = m->waits_for_host;
	m->put_off = true;
	settle_stop_waiting(m);
	message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + hold_ms);
}

void attempt_lock_busy(struct queue *q, struct message *m)
{
	int64_t hold = LOCK_FIRST_MS << m->lock_tries;
	if (m->lock_tries < LOCK_DOUBLINGS)
		m->lock_tries++;
	if (is_over(m))
		put_notice_off(q, m, hold);
	else
		attempt_take_back(q, m, hold);
}

/* The folder of recipient AT; NULL when it goes elsewhere or is not open. */
static struct drop *folder_of(struct queue *q, const struct whole *w, size_t at)
{
	struct route route;
	if (w->states[at] != RECIPIENT_OPEN)
		return NULL;
	whole_route(w, at, queue_server(q), &route);
	return route.kind == ROUTE_DROP ? drop_find(&q->drops, route.local->drop_dir, q->mono_ms) : NULL;
}

/* The one folder that all recipients share, or NULL. */
static struct drop *common_folder(struct queue *q, const struct whole *w)
{
	struct drop *folder = folder_of(q, w, 0);
	for (size_t i = 1; folder && i < w->rcpt_count; i++) {
		struct drop *other = folder_of(q, w, i);
		if (!other || !drop_same(folder, other) || other->return_path != folder->return_path)
			return NULL;
	}
	return folder;
}

static void log_dropped(const struct queue *q, const struct message *m, const struct drop *folder)
{
	const struct whole *w = m->whole;
	int64_t age = schedule_age(m->id, q->wall_ms);
	log_info("id=%s from=<%.*s> to=<%.*s> recipients=%zu folder=%s status=delivered size=%llu delay=%lld.%llds",
		 m->id, SPAN_ARGS(w->sender.text), SPAN_ARGS(w->rcpts[0].text), w->rcpt_count, folder->path,
		 (unsigned long long)m->size, (long long)(age / 1000), (long long)(age / 100 % 10));
}

static void tell_dropped(struct queue *q, struct message *m, const struct drop *folder)
{
	char text[512];
	if (!m->watched)
		return;
	snprintf(text, sizeof(text), "it is in drop folder %.400s as %s.eml", folder->path, m->id);
	const struct settle_result dropped = {.event = JOURNAL_DELIVERED, .enhanced = {2, 0, 0}, .text = span_of(text)};
	console_outcome(q, m, &dropped);
}

static struct destination *destination_for(struct queue *q, const struct route *route)
{
	const char *folder = route->kind == ROUTE_DROP ? route->local->drop_dir : NULL;
	struct destination *d = destination_get(&q->destinations, route, folder);
	if (d && !destination_is_local(d))
		d->cap = (size_t)queue_server(q)->delivery.max_outbound_connections_per_domain;
	return d;
}

/* So that listings show what it waits for, and its time is that of local mail. */
static struct destination *remember_folder(struct queue *q, struct message *m)
{
	struct route route;
	whole_route(m->whole, 0, queue_server(q), &route);
	destination_ref(&q->destinations, &m->destination, destination_for(q, &route));
	return m->destination;
}

/* BROKEN: it is the folder that is at fault, and not this message. */
static void delay_drop(struct queue *q, struct message *m, const struct drop *folder, struct enhanced enhanced,
		       bool broken, const char *why)
{
	char text[768];
	snprintf(text, sizeof(text), "drop folder %.300s: %s", folder->path, why);
	const struct settle_result result = {.event = JOURNAL_DELAYED, .enhanced = enhanced, .text = span_of(text)};
	log_warning("id=%s folder=%s status=delayed text=\"%s\"", m->id, folder->path, why);
	struct destination *d = remember_folder(q, m);
	if (d && broken) {
		folder_failed(q, d, why);
		m->whole->unreachable = d;
	}
	settle_note(q, m, NULL, 0, m->whole->rcpt_count - 1, &result);
	settle_message(q, m);
}

/* Recipients FIRST to LAST of M: their folder can't hold it, however empty it is. */
static void note_too_large(struct queue *q, struct message *m, size_t first, size_t last, const struct drop *folder)
{
	char text[512];
	snprintf(text, sizeof(text),
		 "the message (%llu octets) is larger than all that the mailbox may hold (drop_quota %lld)",
		 (unsigned long long)m->size, (long long)folder->quota);
	const struct settle_result result = {.event = JOURNAL_FAILED, .enhanced = {5, 2, 3}, .text = span_of(text)};
	log_info("id=%s folder=%s status=failed text=\"%s\"", m->id, folder->path, text);
	settle_note(q, m, NULL, first, last, &result);
}

static void fail_drop(struct queue *q, struct message *m, const struct drop *folder)
{
	remember_folder(q, m);
	note_too_large(q, m, 0, m->whole->rcpt_count - 1, folder);
	settle_message(q, m);
}

/* Whether there is room for M is known when the copies that are on their way there have arrived. True: it waits. */
static bool waits_for_copies(struct queue *q, struct message *m, const struct drop *folder)
{
	const struct destination *d = remember_folder(q, m);
	if (folder->error || !d || !d->octets || drop_has_room(folder, m->size + d->octets))
		return false;
	attempt_take_back(q, m, COUNT_SOON_MS);
	return true;
}

/* Delivers by rename if that serves: what is renamed is gone, and no notice can tell of it. True: M was dealt with. */
static bool try_drop(struct queue *q, struct message *m)
{
	struct drop *folder = m->whole->wants_success ? NULL : common_folder(q, m->whole);
	if (!folder)
		return false;
	if (drop_never_has_room(folder, m->size)) {
		fail_drop(q, m, folder);
		return true;
	}
	if (drop_is_unknown(folder)) {
		attempt_take_back(q, m, COUNT_SOON_MS);
		return true;
	}
	if (!folder->error && !drop_has_room(folder, m->size)) {
		folder->lacks = m->size;
		delay_drop(q, m, folder, (struct enhanced){4, 2, 2}, true, "full, see drop_quota");
		return true;
	}
	if (folder->return_path)
		return waits_for_copies(q, m, folder);
	int err = folder->error ? -folder->error : store_drop(&q->store, m, folder->path);
	if (err == -EXDEV)
		return false;
	if (err && err != -EEXIST)
		writable_blame(q, err);
	if (err && writable_stops(q)) {
		attempt_take_back(q, m, COUNT_SOON_MS);
		return true;
	}
	if (err) {
		char said[PRIVS_WHY_MAX];
		const char *why = err == -EEXIST ? "another file of that name lies there"
						 : privs_explain(-err, folder->path, said);
		delay_drop(q, m, folder, (struct enhanced){4, 3, 0}, err != -EEXIST, why);
		return true;
	}
	drop_add(folder, m->size);
	log_dropped(q, m, folder);
	tell_dropped(q, m, folder);
	if (folder->trouble && remember_folder(q, m))
		folder_worked(q, m->destination);
	queue_forget(q, m);
	return true;
}

static void no_way(struct queue *q, struct message *m, size_t rcpt, const char *why)
{
	const struct settle_result result = {.event = JOURNAL_FAILED, .enhanced = {5, 1, 2}, .text = span_of(why)};
	log_info("id=%s to=<%.*s> status=failed text=\"%s\"", m->id, SPAN_ARGS(m->whole->rcpts[rcpt].text), why);
	settle_note(q, m, NULL, rcpt, rcpt, &result);
}

/* D's folder has no room for M, now or ever, as is said then. A folder in other trouble is the worker's affair. */
static bool lacks_room(struct queue *q, struct message *m, struct destination *d, size_t rcpt)
{
	static const char why[] = "full, see drop_quota";
	const struct settle_result result = {.event = JOURNAL_DELAYED, .enhanced = {4, 2, 2}, .text = SPAN(why)};
	struct drop *folder = drop_find(&q->drops, d->folder, q->mono_ms);
	if (folder && drop_never_has_room(folder, m->size)) {
		note_too_large(q, m, rcpt, rcpt, folder);
		return true;
	}
	if (!folder || folder->error || !folder->counted || drop_has_room(folder, m->size))
		return false;
	folder->lacks = m->size;
	folder_failed(q, d, why);
	m->whole->unreachable = d;
	settle_note(q, m, NULL, rcpt, rcpt, &result);
	return true;
}

/* M waits while nobody knows how full a folder is that it goes to. */
static bool waits_for_count(struct queue *q, struct message *m)
{
	bool unknown = false;
	if (!drops_are_unknown(&q->drops))
		return false;
	for (size_t i = 0; !unknown && i < m->whole->rcpt_count; i++)
		unknown = drop_is_unknown(folder_of(q, m->whole, i));
	if (unknown)
		attempt_take_back(q, m, COUNT_SOON_MS);
	return unknown;
}

/* Puts every open recipient into a job. False without memory. */
static bool make_jobs(struct queue *q, struct message *m)
{
	struct whole *w = m->whole;
	struct destination *d = NULL;
	struct span domain = {NULL, 0};
	struct route route = {.kind = ROUTE_NONE};
	for (size_t i = 0; i < w->rcpt_count; i++) {
		if (w->states[i] != RECIPIENT_OPEN)
			continue;
		if (!d || !span_equal_nocase(domain, w->rcpts[i].domain)) {
			domain = w->rcpts[i].domain;
			whole_route(w, i, queue_server(q), &route);
			d = route.kind == ROUTE_NONE ? NULL : destination_for(q, &route);
			d = d ? demand_way(d) : NULL;
		}
		if (route.kind == ROUTE_NONE)
			no_way(q, m, i, route.why);
		else if (d && route.kind == ROUTE_DROP && lacks_room(q, m, d, i))
			continue;
		else if (d && demand_holds(q, m, d, i))
			continue;
		else if (!d || !job_take(q, m, d, route.kind == ROUTE_DROP ? JOB_COPY : JOB_SMTP, i))
			return false;
	}
	return true;
}

/* A next hop that is down for longer gets no more jobs: they are deferred at once. */
static void refuse_hopeless(struct queue *q, struct message *m)
{
	struct job *next;
	for (struct job *j = TAILQ_FIRST(&m->whole->jobs); j; j = next) {
		struct destination *d = j->destination;
		next = TAILQ_NEXT(j, of_message);
		if (m->watched)
			destination_retry(d, q->mono_ms);
		if (destination_worth_waiting(d, q->mono_ms))
			continue;
		const struct settle_result result = {
			.event = JOURNAL_DELAYED,
			.enhanced = {4, destination_is_local(d) ? 3 : 4, destination_is_local(d) ? 0 : 1},
			.text = span_of(d->reason)};
		settle_note(q, m, j, 0, m->whole->rcpt_count - 1, &result);
		m->whole->unreachable = d;
		job_end(q, j, false);
	}
}

static bool must_park(const struct whole *w)
{
	const struct job *j = TAILQ_FIRST(&w->jobs);
	return w->job_count == 1 && !w->counts[RECIPIENT_DELAYED] && j->destination->queued > DESTINATION_JOBS_MAX;
}

static void plan(struct queue *q, struct message *m)
{
	struct whole *w = m->whole;
	if (!make_jobs(q, m)) {
		attempt_take_back(q, m, LOCK_FIRST_MS << LOCK_DOUBLINGS);
		return;
	}
	bool split = w->job_count > 1 || (w->job_count && w->counts[RECIPIENT_DELAYED]);
	int err = split ? store_to_cur(&q->store, m) : 0;
	if (err) {
		jobs_cancel(q, m);
		settle_trouble(q, m, "move the message to cur/", err);
		return;
	}
	if (w->job_count)
		destination_ref(&q->destinations, &m->destination, TAILQ_FIRST(&w->jobs)->destination);
	refuse_hopeless(q, m);
	if (!w->job_count) {
		settle_message(q, m);
	} else if (must_park(w)) {
		jobs_cancel(q, m);
		load_undo(q, m);
		message_move(&q->messages, m, MESSAGE_PARKED);
	} else if (q->fd_count > QUEUE_FDS_MAX) {
		load_close_file(q, w);
	}
}

/* Nothing has happened that would make M due before DUE_MS. */
static void wait_on(struct queue *q, struct message *m, int64_t due_ms)
{
	load_undo(q, m);
	message_wait(&q->messages, m, MESSAGE_WAITING, due_ms);
	if (m->waits_on)
		TAILQ_INSERT_TAIL(&m->destination->waiting, m, at_next_hop);
	m->waits_for_host = m->waits_on;
}

/* Routes have changed: M waits on if that does not concern it. */
static bool waits_on(struct queue *q, struct message *m)
{
	if (!m->rerouted)
		return false;
	m->rerouted = false;
	if (m->due_ms <= q->mono_ms || m->way != whole_way(m->whole, queue_server(q)))
		return false;
	wait_on(q, m, m->due_ms);
	return true;
}

void attempt_go_on(struct queue *q, struct message *m)
{
	int64_t next_try = m->whole->next_try;
	int64_t left = schedule_remaining(&queue_server(q)->delivery.retry, next_try, q->wall_ms);
	m->whole->notice_first = false;
	m->whole->next_try = 0;
	if (left) {
		store_set_next_try(&q->store, m, next_try);
		wait_on(q, m, q->mono_ms + left);
	} else if (!try_drop(q, m) && !waits_for_count(q, m)) {
		plan(q, m);
	}
}

/* When the journal says that M is due, which the notice will overwrite; 0 = it is now. */
static int64_t put_off_until(struct queue *q, struct message *m)
{
	int64_t next_try = 0;
	if (m->put_off && store_next_try(&q->store, m, &next_try) < 0)
		next_try = 0;
	m->put_off = false;
	return next_try;
}

void attempt_begin(struct queue *q, struct message *m)
{
	settle_stop_waiting(m);
	if (!settle_write_down(q, m) || !load_message(q, m) || waits_on(q, m))
		return;
	if (m->whole->held) {
		load_undo(q, m);
		store_set_next_try(&q->store, m, STORE_HELD_MS);
		message_move(&q->messages, m, MESSAGE_HELD);
		return;
	}
	m->whole->routes = q->routes;
	m->whole->next_try = put_off_until(q, m);
	message_move(&q->messages, m, MESSAGE_ACTIVE);
	if (!owed_anything(q, m)) {
		attempt_go_on(q, m);
		return;
	}
	m->whole->notice_first = true;
	settle_message(q, m);
}
