#include "queue/attempt/verdicts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/folder.h"
#include "queue/attempt/load.h"
#include "queue/attempt/notice_due.h"
#include "queue/model/atrn.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/model/waiting.h"
#include "queue/plan/host_order.h"
#include "queue/rules/schedule.h"

enum { VERDICTS_AT_ONCE = 4096, AGAIN_MS = 1000 /* before a job that was taken back is tried again */ };

/* The job of verdict V: at that worker, with that recipient; else with that recipient; else at that worker. */
static struct job *find_job(const struct message *m, const struct wire_verdict *v)
{
	struct job *j, *of_worker = NULL, *of_recipient = NULL;
	if (!m->loaded)
		return NULL;
	TAILQ_FOREACH(j, &m->loaded->jobs, of_message)
	{
		bool same_worker = j->worker && j->worker->number == v->worker;
		bool same_recipient = j->worker && job_has(j, v->first);
		if (same_worker && same_recipient)
			return j;
		of_worker = same_worker && !of_worker ? j : of_worker;
		of_recipient = same_recipient && !of_recipient ? j : of_recipient;
	}
	return of_recipient ? of_recipient : of_worker;
}

/* The host and its reason, for logs, listings and notices. */
static void describe(const struct wire_verdict *v, char *to, size_t size)
{
	snprintf(to, size, "%.*s%s%.*s", SPAN_ARGS(v->host), v->host.len ? ": " : "", SPAN_ARGS(v->text));
}

static void judge_folder(struct queue *q, const struct job *j, const struct wire_verdict *v)
{
	char reason[DESTINATION_REASON_MAX];
	struct destination *d = j->destination;
	if (d->kind != DESTINATION_FOLDER)
		return;
	snprintf(reason, sizeof(reason), "%.*s", SPAN_ARGS(v->text));
	if (v->event == JOURNAL_DELAYED)
		folder_failed(q, d, reason);
	else if (v->event == JOURNAL_DELIVERED)
		folder_took(q, d, j->message->size);
}

/* No host accepted the connection, or a host said 421. A failure before MAIL concerns the host, not the message. */
static bool is_refusal(const struct wire_verdict *v)
{
	return v->host.len && (!v->reached.len || v->code == 421);
}

/*
 * Tries do not help before something else has changed: the host requires or rejects our credentials, and each try
 * brings our account nearer to being locked; or a file that the configuration names for this next hop can't be used; or
 * there is no access token. A worker reports the first as 5xx with 4.7.8 (delivery/smtp/ending.h), which it never does
 * for a recipient, and the others without a host and a code as 4.3.5 and 4.7.0. Mail that can't be signed has no host,
 * but a code: it waits alone.
 */
static bool needs_credentials(const struct wire_verdict *v)
{
	if (!v->host.len)
		return !v->code && (span_equal(v->enhanced, SPAN("4.3.5")) || span_equal(v->enhanced, SPAN("4.7.0")));
	return v->code / 100 == 5 && span_equal(v->enhanced, SPAN("4.7.8"));
}

/* Notes the health of D's hosts that the worker has tried. */
static void judge_hosts(struct queue *q, struct destination *d, const struct wire_verdict *v)
{
	struct health *health = &q->destinations.health;
	struct health_key key;
	struct span rest = v->failed, line;
	while (d->host_count > 1 && span_line(&rest, &line))
		if (host_order_find(d, line, &key) && health_failed(health, &key, q->mono_ms))
			log_warning("next hop %s: host %.*s accepts no mail; the other hosts are used", d->key,
				    SPAN_ARGS(line));
	if (!v->reached.len || !health->table || !host_order_find(d, v->reached, &key) || !health_worked(health, &key))
		return;
	log_info("next hop %s: host %.*s accepts mail again", d->key, SPAN_ARGS(v->reached));
	d->generation++;
}

static void judge_up(struct queue *q, struct destination *d)
{
	if (!destination_up(d))
		return;
	log_info("next hop %s is up again", d->key);
	waiting_refill(&q->messages, d);
}

/* Notes what the verdict means for the next hop. True when the message should wait until a host there accepts mail. */
static bool judge_destination(struct queue *q, const struct job *j, const struct wire_verdict *v)
{
	struct destination *d = j->destination;
	char reason[DESTINATION_REASON_MAX];
	bool not_begun = v->event == JOURNAL_DELAYED && !v->connected;
	bool shut = not_begun && needs_credentials(v), was_up = d->down_ms == 0;
	if (destination_is_local(d)) {
		judge_folder(q, j, v);
		return d->down_ms > 0;
	}
	if (atrn_is(d)) /* an ATRN connection ends, it is never down */
		return false;
	judge_hosts(q, d, v);
	if (!shut && !(not_begun && is_refusal(v))) {
		if (v->connected || v->reached.len)
			judge_up(q, d);
		return false;
	}
	describe(v, reason, sizeof(reason));
	int64_t most = schedule_down_max(&queue_server(q)->delivery.retry);
	if (shut)
		destination_down(d, q->mono_ms, most, most, reason);
	else
		destination_refused(d, q->mono_ms, most, reason);
	if (was_up && d->down_ms)
		log_warning("next hop %s is down: %s", d->key, reason);
	return true;
}

static struct attempt_result result_of(const struct wire_verdict *v)
{
	struct span rest;
	struct attempt_result result = {.event = (enum journal_event)v->event,
					.code = (int)v->code,
					.host = v->host,
					.text = v->text,
					.journaled = v->journaled};
	if (!enhanced_parse(v->enhanced, &result.enhanced, &rest))
		result.enhanced = (struct enhanced){0, 0, 0};
	return result;
}

static void note(struct queue *q, struct message *m, const struct job *j, const struct wire_verdict *v)
{
	const struct attempt_result result = result_of(v);
	note_result(q, m, j, v->first, v->last, &result);
}

/* Recipients of J without a verdict are delayed, with the reason of the last verdict if that was a delay. */
static void note_rest(struct queue *q, struct message *m, const struct job *j, const struct wire_verdict *v)
{
	const struct attempt_result silence = {
		.event = JOURNAL_DELAYED,
		.enhanced = {4, 3, 0},
		.text = SPAN(N_("the delivery process reported nothing about this recipient"))};
	const struct attempt_result result = v->event == JOURNAL_DELAYED ? result_of(v) : silence;
	if (j->kind != JOB_NOTICE)
		note_result(q, m, j, 0, m->loaded->rcpt_count - 1, &result);
}

static void end_job(struct queue *q, struct job *j, const struct wire_verdict *v, bool refused)
{
	struct message *m = j->message;
	struct destination *d = NULL;
	destination_ref(&q->destinations, &d, j->destination);
	note_rest(q, m, j, v);
	if (v->event == JOURNAL_DELAYED && (refused || d->down_ms))
		m->loaded->unreachable = d;
	if (j->kind == JOB_NOTICE && notice_due_still(q, j))
		m->loaded->notice_delayed = true;
	job_end(j, v->connected, q->mono_ms);
	waiting_refill(&q->messages, d);
	attempt_settle(q, m);
	destination_ref(&q->destinations, &d, NULL);
}

/* Ends J, whose worker has not delivered it and reports no more. */
static void take_back(struct queue *q, struct job *j)
{
	struct message *m = j->message;
	struct destination *d = NULL;
	destination_ref(&q->destinations, &d, j->destination);
	job_end(j, false, q->mono_ms);
	waiting_refill(&q->messages, d);
	attempt_settle(q, m);
	destination_ref(&q->destinations, &d, NULL);
}

/* The credentials of J were replaced after its worker had looked at them: what became of the old ones is no news. */
static bool is_outdated(const struct job *j, const struct wire_verdict *v)
{
	return j->outdated && v->event == JOURNAL_DELAYED && !v->connected && needs_credentials(v);
}

static void apply_to_job(struct queue *q, struct message *m, struct job *j, const struct wire_verdict *v)
{
	if (is_outdated(j, v)) {
		m->loaded->hold_ms = AGAIN_MS;
		if (v->last_of_job)
			take_back(q, j);
		return;
	}
	if (j->kind == JOB_NOTICE && v->event == JOURNAL_DELAYED) {
		m->loaded->notice_delayed = true;
		count(COUNTER_NOTICE_FAILED);
		log_warning("id=%s: the notice could not be written: %.*s", m->id, SPAN_ARGS(v->text));
	} else {
		note(q, m, j, v);
	}
	if (!v->last_of_job)
		return;
	j->transactions = (uint8_t)v->transactions;
	end_job(q, j, v, judge_destination(q, j, v));
}

/* A verdict from before a restart: a final one counts; other recipients are tried again anyway. */
static void apply_to_message(struct queue *q, struct message *m, const struct wire_verdict *v)
{
	bool final = v->event == JOURNAL_DELIVERED || v->event == JOURNAL_RELAYED || v->event == JOURNAL_FAILED ||
		     v->event == JOURNAL_NOTICED || v->event == JOURNAL_WARNED;
	bool was_loaded = m->loaded != NULL;
	if (!m->has_file)
		return; /* only the journal is left, which a scan removes */
	if (!final || (!was_loaded && !load_message(q, m)))
		return;
	note(q, m, NULL, v);
	if (was_loaded)
		return;
	if (loaded_done(m->loaded))
		attempt_settle(q, m);
	else
		loaded_unload(&q->messages, m);
}

static bool show_dialogue(struct queue *q, struct span packet)
{
	static const char *const by[] = {"", "we", "host"};
	struct wire_dialogue said;
	char id[MSGID_LEN + 1];
	if (!wire_decode_dialogue(packet, &said) || !msgid_valid(said.id) || !span_copy(said.id, id, sizeof(id)))
		return false;
	const struct message *m = message_find(&q->messages, id);
	if (m && m->watched && q->observer.said)
		q->observer.said(q->observer.context, m, by[said.by], said.text);
	return true;
}

bool verdicts_apply(struct queue *q, struct span packet)
{
	struct wire_verdict v;
	char id[MSGID_LEN + 1];
	enum wire_type type = wire_admit(WIRE_LINK_verdicts, WIRE_UP, packet);
	if (type == WIRE_dialogue)
		return show_dialogue(q, packet);
	if (!type || !wire_decode_verdict(packet, &v) || v.event >= JOURNAL_EVENT_COUNT || v.first > v.last)
		return false;
	if (!msgid_valid(v.id) || !span_copy(v.id, id, sizeof(id)))
		return false;
	struct message *m = message_find(&q->messages, id);
	if (!m)
		return true; /* the message is finished: this verdict was acted on before a restart */
	struct job *j = find_job(m, &v);
	if (j)
		apply_to_job(q, m, j, &v);
	else
		apply_to_message(q, m, &v);
	return true;
}

bool verdicts_receive(struct queue *q)
{
	struct ipc_packet packet;
	for (int i = 0; q->messages.all_known && i < VERDICTS_AT_ONCE; i++) {
		int err = ipc_receive(q->verdicts, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT | MSG_PEEK, &packet);
		if (err == -EAGAIN)
			return true;
		if (err && err != -EMSGSIZE)
			log_fatal(EXIT_TEMPORARY, "can't read the verdicts: %s", strerror(-err));
		if (!err && packet.eof)
			return true; /* master has ended; the control link tells */
		ipc_packet_close(&packet);
		if (err || !verdicts_apply(q, packet.text))
			log_warning("verdicts link: ignored an invalid packet");
		if (recv(q->verdicts, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) < 0 && errno != EAGAIN)
			log_fatal(EXIT_TEMPORARY, "can't take a verdict: %s", strerror(errno));
	}
	return false;
}

/* Ends a job of a worker that has ended. IN_HAND: the worker was delivering it. */
static void lose_job(struct queue *q, struct job *j, bool in_hand)
{
	const struct attempt_result lost = {.event = JOURNAL_DELAYED,
					    .enhanced = {4, 3, 0},
					    .text = SPAN(N_("the delivery process ended before it reported"))};
	struct message *m = j->message;
	bool again = in_hand && m->lost_worker;
	if (in_hand) {
		log_warning("id=%s: the worker that was delivering it has ended; it will be tried again", m->id);
		m->loaded->hold_ms = AGAIN_MS;
		m->lost_worker = true;
	}
	if (again && j->kind == JOB_NOTICE)
		m->loaded->notice_delayed = true;
	else if (again)
		note_result(q, m, j, 0, m->loaded->rcpt_count - 1, &lost);
	take_back(q, j);
}

void verdicts_worker_gone(struct queue *q, struct worker *w)
{
	while (w->job_count && !verdicts_receive(q))
		;
	bool in_hand = true; /* the first job; a second one was not begun */
	for (struct job *j; (j = TAILQ_FIRST(&w->jobs)); in_hand = false)
		lose_job(q, j, in_hand);
	pool_remove(w);
}
