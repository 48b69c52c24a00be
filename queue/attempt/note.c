#include "queue/attempt/note.h"

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "queue/attempt/record.h"
#include "queue/attempt/tally.h"
#include "queue/model/etrn_hold.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/rules/schedule.h"

/* The failure that DELAY becomes when the message has expired. TEXT holds its text. */
static struct attempt_result expired(const struct attempt_result *delay, int64_t age_ms, struct str *text)
{
	char duration[CLOCK_TEXT_MAX];
	clock_duration(age_ms, duration);
	str_printf(text, N_("expired after %s"), duration);
	str_printf(text, "; %s: ", N_("last"));
	if (delay->host.len)
		str_printf(text, "%.*s%s ", SPAN_ARGS(delay->host), delay->code ? " said" : ":");
	if (delay->code)
		str_printf(text, "%d ", delay->code);
	str_append(text, delay->text);
	return (struct attempt_result){.event = JOURNAL_FAILED, .enhanced = {4, 4, 7}, .text = str_span(text)};
}

static void append_line(const struct queue *q, const struct attempt_result *result, size_t first, size_t last,
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
 * Changes the states, and appends to LINES one line for each run of adjacent recipients. LATE: the failure that RESULT,
 * a delay, becomes because the message has expired; it gets a second line. NULL = not expired. Returns how many
 * recipients have changed.
 */
static size_t change_states(const struct queue *q, struct loaded *w, const struct job *job, size_t first, size_t last,
			    const struct attempt_result *result, const struct attempt_result *late, struct str *lines)
{
	size_t end = last < w->rcpt_count ? last + 1 : w->rcpt_count, run = 0, changed = 0;
	const struct attempt_result *becomes = late ? late : result;
	bool ours = becomes->host.len == 0;
	for (size_t i = first; i <= end; i++) {
		bool takes =
			i < end && (!job || job_has(job, i)) && loaded_note(w, i, becomes->event, ours, q->wall_ms);
		if (takes) {
			changed++;
			run++;
			continue;
		}
		if (run && late)
			append_line(q, result, i - run, i - 1, lines);
		if (run)
			append_line(q, becomes, i - run, i - 1, lines);
		run = 0;
	}
	return changed;
}

static bool is_final(const struct attempt_result *result)
{
	return result->event != JOURNAL_DELAYED;
}

/* A host or a folder has the message: without this line in the journal it would be delivered twice. */
static bool is_taken(const struct attempt_result *result)
{
	return result->event == JOURNAL_DELIVERED || result->event == JOURNAL_RELAYED;
}

/* The message is removed next, so LINES need not be written. They are kept in case that fails, and moved out. */
static void keep_last(struct loaded *w, struct str *lines)
{
	if (!lines->len)
		return;
	str_free(&w->last_lines);
	w->last_lines = *lines;
	str_init(lines, 0);
}

static void tell_observer(const struct queue *q, struct message *m, const struct attempt_result *result)
{
	m->watched = false;
	if (q->observer.outcome)
		q->observer.outcome(q->observer.context, m, result);
}

void note_result(struct queue *q, struct message *m, const struct job *job, size_t first, size_t last,
		 const struct attempt_result *result)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	struct attempt_result late;
	struct str lines, text;
	int64_t age = schedule_age(m->id, q->wall_ms);
	int64_t expire = schedule_expire(delivery, !job || destination_is_local(job->destination));
	int64_t own = job ? etrn_hold_expire(job->destination) : 0;
	bool late_now = own ? age >= own : schedule_over(&delivery->retry, expire, age, m->attempts + 1u);
	bool over = result->event == JOURNAL_DELAYED && late_now;
	if (m->watched)
		tell_observer(q, m, result);
	str_init(&lines, (size_t)2 * JOURNAL_LINE_MAX * (m->loaded->rcpt_count + 1));
	str_init(&text, JOURNAL_LINE_MAX);
	if (over) {
		late = expired(result, age, &text);
		log_info("id=%s status=failed enhanced=4.4.7 text=\"%s\"", m->id, str_text(&text));
	}
	size_t changed = change_states(q, m->loaded, job, first, last, result, over ? &late : NULL, &lines);
	tally_result(over ? &late : result, changed);
	bool written = result->journaled && m->in_cur;
	m->has_log |= written;
	if (!written && !loaded_done(m->loaded))
		record_lines(q, m, str_span(&lines), over || is_final(result), is_taken(result));
	else if (!written)
		keep_last(m->loaded, &lines);
	str_free(&lines);
	str_free(&text);
}
