#include "queue/attempt/settle.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/jobs.h"
#include "queue/attempt/load.h"
#include "queue/attempt/owed.h"
#include "queue/etrn/demand.h"
#include "queue/operator/console.h"
#include "queue/rules/schedule.h"

enum { TROUBLE_MS = 10 * 1000, REFUSE_SLICE = 200, REASON_MAX = 64 * 1024 };

/* A delay that comes too late: the failure that it becomes. TEXT holds its words. */
static struct settle_result expired(const struct settle_result *delay, int64_t age_ms, struct str *text)
{
	char duration[CLOCK_TEXT_MAX];
	clock_duration(age_ms, duration);
	str_printf(text, "expired after %s; last: ", duration);
	if (delay->host.len)
		str_printf(text, "%.*s%s ", SPAN_ARGS(delay->host), delay->code ? " said" : ":");
	if (delay->code)
		str_printf(text, "%d ", delay->code);
	str_append(text, delay->text);
	return (struct settle_result){.event = JOURNAL_FAILED, .enhanced = {4, 4, 7}, .text = str_span(text)};
}

static void append_line(const struct queue *q, const struct settle_result *result, size_t first, size_t last,
			struct str *lines)
{
	const struct journal_line line = {.wall_ms = q->wall_ms,
					  .first = (uint32_t)first,
					  .last = (uint32_t)last,
					  .event = result->event,
					  .code = result->code,
					  .enhanced = result->enhanced,
					  .host = result->host,
					  .text = result->text};
	journal_format(&line, lines);
}

/*
 * Changes the states and appends one line a run of neighbours to LINES. LATE: what RESULT, a delay, becomes because its
 * time is over, which is another line behind it.
 */
static void change_states(const struct queue *q, struct whole *w, const struct job *job, size_t first, size_t last,
			  const struct settle_result *result, const struct settle_result *late, struct str *lines)
{
	size_t end = last < w->rcpt_count ? last + 1 : w->rcpt_count, run = 0;
	const struct settle_result *becomes = late ? late : result;
	bool ours = becomes->host.len == 0;
	for (size_t i = first; i <= end; i++) {
		bool takes = i < end && (!job || job_has(job, i)) && whole_note(w, i, becomes->event, ours, q->wall_ms);
		if (takes) {
			run++;
			continue;
		}
		if (run && late)
			append_line(q, result, i - run, i - 1, lines);
		if (run)
			append_line(q, becomes, i - run, i - 1, lines);
		run = 0;
	}
}

static int write_lines(struct queue *q, struct message *m, struct span lines, bool durable)
{
	int err = store_to_cur(&q->store, m);
	return err ? err : store_journal_append(&q->store, m, lines, durable);
}

/* LINES go into the journal, DURABLE or not. Those that are FINAL and can't be written are kept in memory until they
 * can: M is not tried before. */
static void remember(struct queue *q, struct message *m, struct span lines, bool final, bool durable)
{
	int err = m->unwritten || !lines.len ? 0 : write_lines(q, m, lines, durable);
	if (err && !writable_blame(q, err))
		log_error("id=%s: can't write the journal: %s", m->id, strerror(-err));
	if ((m->unwritten || (err && final)) && !message_remember(m, lines))
		log_error("id=%s: no memory for what its journal should say", m->id);
}

static bool is_gone(const struct queue *q, const struct message *m)
{
	int fd = store_open_message(&q->store, m);
	if (fd >= 0)
		fd_close(&fd);
	return fd == -ENOENT;
}

bool settle_write_down(struct queue *q, struct message *m)
{
	int err = m->unwritten ? write_lines(q, m, str_span(m->unwritten), true) : 0;
	if (err == -ENOENT && is_gone(q, m))
		err = 0; /* nobody needs the lines; whoever looks for the file next forgets the message */
	if (err)
		settle_trouble(q, m, "write the journal", err);
	else
		message_forget_lines(m);
	return !err;
}

static bool is_final(const struct settle_result *result)
{
	return result->event != JOURNAL_DELAYED;
}

/* Somebody has it: forgotten, it would be sent again. */
static bool is_taken(const struct settle_result *result)
{
	return result->event == JOURNAL_DELIVERED || result->event == JOURNAL_RELAYED;
}

/* Nothing needs LINES once the message is removed. They are moved. */
static void keep_last(struct whole *w, struct str *lines)
{
	if (!lines->len)
		return;
	str_free(&w->last_lines);
	w->last_lines = *lines;
	str_init(lines, 0);
}

void settle_note(struct queue *q, struct message *m, const struct job *job, size_t first, size_t last,
		 const struct settle_result *result)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	struct settle_result late;
	struct str lines, text;
	int64_t age = schedule_age(m->id, q->wall_ms);
	int64_t expire = schedule_expire(delivery, !job || destination_is_local(job->destination));
	int64_t own = job ? demand_expire(job->destination) : 0;
	bool late_now = own ? age >= own : schedule_over(&delivery->retry, expire, age, m->attempts + 1u);
	bool over = result->event == JOURNAL_DELAYED && late_now;
	if (m->watched)
		console_outcome(q, m, result);
	str_init(&lines, (size_t)2 * JOURNAL_LINE_MAX * (m->whole->rcpt_count + 1));
	str_init(&text, JOURNAL_LINE_MAX);
	if (over) {
		late = expired(result, age, &text);
		log_info("id=%s status=failed enhanced=4.4.7 text=\"%s\"", m->id, str_text(&text));
	}
	change_states(q, m->whole, job, first, last, result, over ? &late : NULL, &lines);
	bool written = result->journaled && m->in_cur;
	m->has_log |= written;
	if (!written && !whole_done(m->whole))
		remember(q, m, str_span(&lines), over || is_final(result), is_taken(result));
	else if (!written)
		keep_last(m->whole, &lines);
	str_free(&lines);
	str_free(&text);
}

void settle_trouble(struct queue *q, struct message *m, const char *what, int err)
{
	if (!writable_blame(q, err))
		log_error("id=%s: can't %s: %s", m->id, what, strerror(-err));
	if (m->whole)
		load_undo(q, m);
	message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + TROUBLE_MS);
}

void settle_badmail(struct queue *q, struct message *m, struct span why)
{
	struct span rest = why, line;
	if (!settle_write_down(q, m))
		return;
	int err = store_badmail(&q->store, m, why);
	if (err) {
		settle_trouble(q, m, "move the message to badmail/", err);
		return;
	}
	if (!span_line(&rest, &line))
		line = why;
	log_warning("id=%s status=badmail text=\"%.*s\"", m->id, SPAN_ARGS(line));
	queue_forget(q, m);
}

static void finish(struct queue *q, struct message *m)
{
	int err = store_finish(&q->store, m);
	if (!err) {
		queue_forget(q, m);
		return;
	}
	remember(q, m, str_span(&m->whole->last_lines), true, true);
	settle_trouble(q, m, "remove the finished message", err);
}

/* What the journal says of failures, for the reader of badmail/ID.txt. */
static void fail_for_good(struct queue *q, struct message *m)
{
	struct str text;
	str_init(&text, REASON_MAX + 512);
	str_append_text(
		&text, "The message could not be delivered, and its sender is empty, so that no notice can be sent.\n");
	store_journal_tail(&q->store, m, REASON_MAX, &text);
	settle_badmail(q, m, str_span(&text));
	str_free(&text);
}

static void defer(struct queue *q, struct message *m)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	struct destination *unreachable = m->whole->unreachable;
	bool local = m->destination && destination_is_local(m->destination);
	int64_t left;
	struct destination *asked = demand_of(q, m, &left);
	if (m->attempts < UINT16_MAX && !left)
		m->attempts++;
	int64_t delay = schedule_delay_until(&delivery->retry, m->attempts, schedule_age(m->id, q->wall_ms),
					     schedule_notice(delivery, local), schedule_expire(delivery, local));
	if (left)
		delay = left;
	if (asked)
		unreachable = asked;
	/* What was tried the way of before a reload has that of now before it. */
	bool moved = m->whole->routes != q->routes;
	m->way = moved ? 0 : whole_way(m->whole, queue_server(q));
	if (moved)
		delay = 0;
	/* Who waits for a folder, or to be asked for, is called. A queue that starts anew can't know, and tries. */
	bool called = asked || (unreachable && unreachable->kind == DESTINATION_FOLDER);
	if (m->has_log)
		store_set_next_try(&q->store, m, q->wall_ms + (called ? 0 : delay));
	load_undo(q, m);
	message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + delay);
	if (!unreachable)
		return;
	destination_ref(&q->destinations, &m->destination, unreachable);
	m->waits_for_host = true;
	TAILQ_INSERT_TAIL(&unreachable->waiting, m, at_next_hop);
}

static void begin_notice(struct queue *q, struct message *m)
{
	if (m->unwritten || !owed_begin(q, m))
		attempt_take_back(q, m, TROUBLE_MS);
}

void settle_message(struct queue *q, struct message *m)
{
	struct whole *w = m->whole;
	if (w->job_count)
		return;
	bool more = w->counts[RECIPIENT_OPEN] || w->counts[RECIPIENT_DELAYED];
	if (whole_done(w))
		finish(q, m);
	else if (!w->notice_delayed && owed_anything(q, m))
		begin_notice(q, m);
	else if (w->notice_first)
		attempt_go_on(q, m);
	else if (!more && !w->sender.text.len)
		fail_for_good(q, m);
	else if (w->counts[RECIPIENT_OPEN])
		attempt_take_back(q, m, w->hold_ms);
	else
		defer(q, m);
}

static void log_refused(const struct job *j, const struct settle_result *result)
{
	const struct message *m = j->message;
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(result->enhanced, enhanced);
	char text[REPLY_TEXT_MAX + 1];
	span_quotable(result->text, text, sizeof(text));
	log_info("id=%s from=<%.*s> to=<%.*s> recipients=%zu relay=%s status=%s enhanced=%s text=\"%s\"", m->id,
		 SPAN_ARGS(m->whole->sender.text), SPAN_ARGS(m->whole->rcpts[job_first(j)].text), j->rcpt_count,
		 j->destination->key, journal_event_name(result->event), enhanced, text);
}

bool settle_refuse(struct queue *q, struct destination *d, const struct settle_result *result)
{
	struct job *j;
	for (int i = 0; i < REFUSE_SLICE && (j = TAILQ_FIRST(&d->jobs)); i++) {
		struct message *m = j->message;
		settle_note(q, m, j, 0, m->whole->rcpt_count - 1, result);
		if (result->event == JOURNAL_DELAYED)
			m->whole->unreachable = d;
		log_refused(j, result);
		job_end(q, j, false);
		settle_message(q, m);
	}
	return TAILQ_EMPTY(&d->jobs);
}

void settle_stop_waiting(struct message *m)
{
	if (m->waits_for_host)
		TAILQ_REMOVE(&m->destination->waiting, m, at_next_hop);
	m->waits_for_host = false;
}

bool settle_hurry(struct queue *q, struct message *m)
{
	if (m->state != MESSAGE_WAITING)
		return false;
	settle_stop_waiting(m);
	message_move(&q->messages, m, m->found ? MESSAGE_FOUND : MESSAGE_READY);
	return true;
}

/* A message that may try D now. */
static struct message *next_waiting(struct destination *d)
{
	struct message *m = TAILQ_FIRST(&d->waiting);
	bool down = d->down_ms && demand_way(d) == d;
	return m && !down && demand_takes_call(d) ? m : NULL;
}

void settle_refill(struct queue *q, struct destination *d)
{
	struct message *m;
	while (d->queued + q->messages.counts[MESSAGE_READY] < DESTINATION_JOBS_LOW) {
		if ((m = TAILQ_FIRST(&d->parked)))
			message_move(&q->messages, m, MESSAGE_READY);
		else if ((m = next_waiting(d)))
			settle_hurry(q, m);
		else
			break;
	}
}
