#include "queue/attempt/attempt.h"

#include "common/base/log.h"
#include "queue/attempt/assign.h"
#include "queue/attempt/load.h"
#include "queue/attempt/local_drop.h"
#include "queue/attempt/notice_due.h"
#include "queue/attempt/record.h"
#include "queue/attempt/settle.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/model/waiting.h"
#include "queue/plan/step.h"
#include "queue/rules/schedule.h"

enum { LOCK_FIRST_MS = 5, LOCK_DOUBLINGS = 8, TROUBLE_MS = 10 * 1000, REFUSE_SLICE = 200 };

static enum step next(struct queue *q, struct message *m)
{
	return step_next(m->loaded, notice_due_anything(q, m));
}

static enum step take_back(struct queue *q, struct message *m, int64_t hold_ms)
{
	settle_take_back(q, m, hold_ms);
	return STEP_REST;
}

static bool must_park(const struct loaded *w)
{
	const struct job *j = TAILQ_FIRST(&w->jobs);
	return w->job_count == 1 && !w->counts[RECIPIENT_DELAYED] && j->destination->queued > DESTINATION_JOBS_MAX;
}

static void park(struct queue *q, struct message *m)
{
	job_cancel_all(m, q->mono_ms);
	loaded_unload(&q->messages, m);
	message_park(&q->messages, m, &m->destination->parked);
}

/* Makes jobs for the open recipients. */
static enum step make_jobs(struct queue *q, struct message *m)
{
	struct loaded *w = m->loaded;
	if (!assign_jobs(q, m))
		return take_back(q, m, LOCK_FIRST_MS << LOCK_DOUBLINGS);
	bool split = w->job_count > 1 || (w->job_count && w->counts[RECIPIENT_DELAYED]);
	int err = split ? store_to_cur(&q->store, m) : 0;
	if (err) {
		job_cancel_all(m, q->mono_ms);
		queue_put_off(q, m, "move the message to cur/", err);
		return STEP_REST;
	}
	if (w->job_count)
		destination_ref(&q->destinations, &m->destination, TAILQ_FIRST(&w->jobs)->destination);
	assign_refuse_hopeless(q, m);
	if (!w->job_count)
		return next(q, m);
	if (must_park(w))
		park(q, m);
	else if (q->messages.file_count > QUEUE_FILES_MAX)
		loaded_close_file(&q->messages, w);
	return STEP_REST;
}

/* Delivers M into a drop folder at once, or makes jobs. */
static enum step deliver(struct queue *q, struct message *m)
{
	switch (local_drop_try(q, m)) {
	case LOCAL_DROP_DONE:
		return STEP_REST;
	case LOCAL_DROP_NOTED:
		return next(q, m);
	case LOCAL_DROP_LATER:
		return take_back(q, m, LOCAL_DROP_LATER_MS);
	case LOCAL_DROP_NEEDS_JOBS:
		break;
	}
	if (local_drop_is_unknown(q, m))
		return take_back(q, m, LOCAL_DROP_LATER_MS);
	return make_jobs(q, m);
}

/* Makes the attempt itself; a notice that was due before it is written. */
static enum step try_now(struct queue *q, struct message *m)
{
	int64_t next_try = m->loaded->next_try;
	int64_t left = schedule_remaining(&queue_server(q)->delivery.retry, next_try, q->wall_ms);
	m->loaded->notice_first = false;
	m->loaded->next_try = 0;
	if (!left)
		return deliver(q, m);
	store_set_next_try(&q->store, m, next_try);
	settle_wait_on(q, m, q->mono_ms + left);
	return STEP_REST;
}

static enum step begin_notice(struct queue *q, struct message *m)
{
	if (m->unwritten || !notice_due_begin(q, m))
		return take_back(q, m, TROUBLE_MS);
	return STEP_REST;
}

/* Does STEP for M and returns the next step. STEP_REST: M may be gone. */
static enum step act(struct queue *q, struct message *m, enum step step)
{
	switch (step) {
	case STEP_FINISH:
		settle_finish(q, m);
		break;
	case STEP_NOTICE:
		return begin_notice(q, m);
	case STEP_TRY:
		return try_now(q, m);
	case STEP_GIVE_UP:
		settle_give_up(q, m);
		break;
	case STEP_AGAIN:
		return take_back(q, m, m->loaded->hold_ms);
	case STEP_DEFER:
		settle_defer(q, m);
		break;
	case STEP_REST:
		break;
	}
	return STEP_REST;
}

static void go_on(struct queue *q, struct message *m, enum step step)
{
	while (step != STEP_REST)
		step = act(q, m, step);
}

void attempt_settle(struct queue *q, struct message *m)
{
	go_on(q, m, next(q, m));
}

/* After a change of routes: when M's routes are the same, M waits as before. */
static bool waits_on(struct queue *q, struct message *m)
{
	if (!m->rerouted)
		return false;
	m->rerouted = false;
	if (m->due_ms <= q->mono_ms || m->routes_hash != loaded_routes_hash(m->loaded, queue_server(q)))
		return false;
	settle_wait_on(q, m, m->due_ms);
	return true;
}

/* The time of the next try in the journal, which a notice will overwrite; 0 = now. */
static int64_t put_off_until(struct queue *q, struct message *m)
{
	int64_t next_try = 0;
	if (m->put_off && store_next_try(&q->store, m, &next_try) < 0)
		next_try = 0;
	m->put_off = false;
	return next_try;
}

/* The envelope says that M is held: the journal, which shows the reason and can say "released", takes over. */
static int begin_hold(struct queue *q, struct message *m)
{
	const struct loaded *w = m->loaded;
	char reason[ENVELOPE_HOLD_MAX + 1];
	if (!w->hold.len)
		return 0;
	int err = record_event(q, m, JOURNAL_HELD, w->hold);
	if (err)
		return err;
	span_quotable(w->hold, reason, sizeof(reason));
	log_info("id=%s from=<%.*s> status=held reason=\"%s\"", m->id, SPAN_ARGS(w->sender.text), reason);
	return 0;
}

static void hold(struct queue *q, struct message *m)
{
	int err = begin_hold(q, m);
	if (err) {
		queue_put_off(q, m, "record that it is held", err);
		return;
	}
	loaded_unload(&q->messages, m);
	store_set_next_try(&q->store, m, STORE_HELD_MS);
	message_move(&q->messages, m, MESSAGE_HELD);
}

void attempt_begin(struct queue *q, struct message *m)
{
	waiting_stop(m);
	if (!record_unwritten(q, m) || !load_message(q, m) || waits_on(q, m))
		return;
	if (m->loaded->held) {
		hold(q, m);
		return;
	}
	m->loaded->routes = q->routes;
	m->loaded->next_try = put_off_until(q, m);
	message_move(&q->messages, m, MESSAGE_ACTIVE);
	m->loaded->notice_first = notice_due_anything(q, m);
	if (m->loaded->notice_first)
		attempt_settle(q, m);
	else
		go_on(q, m, STEP_TRY);
}

/* All recipients were tried, and only the notice is left. */
static bool only_notice_left(const struct message *m)
{
	const struct job *j = TAILQ_FIRST(&m->loaded->jobs);
	return j && j->kind == JOB_NOTICE && m->loaded->counts[RECIPIENT_DELAYED] && !m->loaded->counts[RECIPIENT_OPEN];
}

/*
 * The last worker has reported but still holds the lock. The notice is tried again after HOLD_MS; the delayed
 * recipients wait for their own next try.
 */
static void put_notice_off(struct queue *q, struct message *m, int64_t hold_ms)
{
	job_cancel_all(m, q->mono_ms);
	m->loaded->notice_delayed = true;
	attempt_settle(q, m);
	m->waits_on = m->waits_for_host;
	m->put_off = true;
	waiting_stop(m);
	message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + hold_ms);
}

void attempt_lock_busy(struct queue *q, struct message *m)
{
	int64_t hold = LOCK_FIRST_MS << m->lock_tries;
	if (m->lock_tries < LOCK_DOUBLINGS)
		m->lock_tries++;
	if (only_notice_left(m))
		put_notice_off(q, m, hold);
	else
		settle_take_back(q, m, hold);
}

static void log_refused(const struct job *j, const struct attempt_result *result)
{
	const struct message *m = j->message;
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(result->enhanced, enhanced);
	char text[REPLY_TEXT_MAX + 1];
	span_quotable(result->text, text, sizeof(text));
	log_info("id=%s from=<%.*s> to=<%.*s> recipients=%zu relay=%s status=%s enhanced=%s text=\"%s\"", m->id,
		 SPAN_ARGS(m->loaded->sender.text), SPAN_ARGS(m->loaded->rcpts[job_first(j)].text), j->rcpt_count,
		 j->destination->key, journal_event_name(result->event), enhanced, text);
}

bool attempt_refuse(struct queue *q, struct destination *d, const struct attempt_result *result)
{
	struct job *j;
	for (int i = 0; i < REFUSE_SLICE && (j = TAILQ_FIRST(&d->jobs)); i++) {
		struct message *m = j->message;
		note_result(q, m, j, 0, m->loaded->rcpt_count - 1, result);
		if (result->event == JOURNAL_DELAYED)
			m->loaded->unreachable = d;
		log_refused(j, result);
		job_end(j, false, q->mono_ms);
		attempt_settle(q, m);
	}
	return TAILQ_EMPTY(&d->jobs);
}
