#include "queue/operator/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/folder.h"
#include "queue/model/etrn_hold.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/rules/schedule.h"

enum { CELLS_MAX = 65536, REASON_TAIL = 4096, HISTORY_MAX = 1 << 20, NEXT_HOPS_MAX = 1000, WAITING_HOPS_MAX = 20 };

/* A row that is being made. */
struct row {
	struct str cells;
	bool begun;
};

static void row_begin(struct row *row)
{
	str_init(&row->cells, CELLS_MAX);
	row->begun = false;
}

static void cell(struct row *row, struct span text)
{
	if (row->begun)
		str_append_c(&row->cells, ROW_SEPARATOR);
	row->begun = true;
	str_append_clean(&row->cells, text);
}

static void cell_text(struct row *row, const char *text)
{
	cell(row, span_of(text));
}

static void cell_number(struct row *row, int64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)number);
	cell_text(row, text);
}

/* Appends PACKET after its length, if both fit. */
static void append_packet(struct str *to, struct span packet)
{
	uint32_t len = (uint32_t)packet.len;
	if (to->len + sizeof(len) + packet.len > to->max)
		return;
	str_append(to, (struct span){(const char *)&len, sizeof(len)});
	str_append(to, packet);
}

static void row_end(struct row *row, const char *kind, struct str *to)
{
	const struct wire_ctl_row packet = {.kind = span_of(kind), .cells = str_span(&row->cells)};
	struct str text;
	str_init(&text, WIRE_PACKET_MAX);
	if (wire_encode_ctl_row(&packet, &text))
		append_packet(to, str_span(&text));
	str_free(&text);
	str_free(&row->cells);
}

void report_text(struct str *to, struct span text)
{
	const struct wire_ctl_text packet = {.text = text};
	struct str octets;
	str_init(&octets, WIRE_PACKET_MAX);
	if (wire_encode_ctl_text(&packet, &octets))
		append_packet(to, str_span(&octets));
	str_free(&octets);
}

void report_done(struct str *to, uint64_t exit_code, const char *text)
{
	const struct wire_ctl_done packet = {.exit_code = exit_code, .text = span_of(text)};
	struct str octets;
	str_init(&octets, WIRE_PACKET_MAX);
	if (wire_encode_ctl_done(&packet, &octets))
		append_packet(to, str_span(&octets));
	str_free(&octets);
}

static void report_numbers(struct str *to, const char *kind, const size_t *numbers, size_t n)
{
	struct row row;
	row_begin(&row);
	for (size_t i = 0; i < n; i++)
		cell_number(&row, (int64_t)numbers[i]);
	row_end(&row, kind, to);
}

void report_counts(struct str *to, size_t done, size_t in_hand, size_t already, size_t failed)
{
	const size_t numbers[] = {done, in_hand, already, failed};
	report_numbers(to, ROW_COUNT, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

void report_progress(struct str *to, size_t looked)
{
	report_numbers(to, ROW_PROGRESS, &looked, 1);
}

/* While a message waits for ETRN, an earlier failure is not why it waits. */
static void replace_by_etrn(const struct queue *q, const struct destination *d, struct str *to)
{
	char why[DESTINATION_REASON_MAX];
	etrn_hold_describe(d, q->mono_ms, why, sizeof(why));
	if (!why[0])
		return;
	str_clear(to);
	str_append_text(to, why);
}

/* While the spool can't be written, that is why it waits. */
static void replace_by_spool(const struct queue *q, const struct message *m, struct str *to)
{
	char why[DESTINATION_REASON_MAX];
	writable_describe(&q->writable, why, sizeof(why));
	if (!why[0] || !(writable_stops(&q->writable) || m->unwritten || !to->len))
		return;
	str_clear(to);
	str_printf(to, N_("the spool %s"), why);
}

/* "HOST said 550 TEXT", or "HOST: TEXT" when HOST did not say it. */
static void append_said(const struct journal_line *line, struct str *to)
{
	struct str said;
	str_init(&said, JOURNAL_LINE_MAX);
	if (line->code)
		str_printf(&said, "%d ", line->code);
	str_append(&said, line->text);
	str_printf(to,
		   !line->host.len ? "%.*s%s"
		   : line->code    ? N_("%.*s said %s")
				   : "%.*s: %s",
		   SPAN_ARGS(line->host), str_text(&said));
	str_free(&said);
}

/* The last failure, if there was one; else why the message is held. */
static void follow_reason(const struct journal_line *line, bool *failed, struct str *to)
{
	bool failure = line->event == JOURNAL_DELAYED || line->event == JOURNAL_FAILED;
	bool hold = line->event == JOURNAL_HELD || line->event == JOURNAL_RELEASED;
	if (!failure && (!hold || *failed))
		return;
	*failed = failure;
	str_clear(to);
	if (line->event != JOURNAL_RELEASED)
		append_said(line, to);
}

void report_reason(const struct queue *q, const struct message *m, struct str *to)
{
	struct str tail;
	struct span rest, text;
	struct journal_line line;
	bool failed = false;
	str_init(&tail, REASON_TAIL + 1);
	store_journal_tail(&q->store, m, REASON_TAIL, &tail);
	for (rest = str_span(&tail); span_line(&rest, &text);)
		if (journal_parse(text, &line))
			follow_reason(&line, &failed, to);
	str_free(&tail);
	if (!to->len && m->destination && m->destination->down_ms)
		str_append_text(to, m->destination->reason);
	if (m->waits_for_host)
		replace_by_etrn(q, m->destination, to);
	replace_by_spool(q, m, to);
}

static size_t first_open(const struct loaded *w)
{
	size_t i = 0;
	while (i + 1 < w->rcpt_count && w->states[i] != RECIPIENT_OPEN && w->states[i] != RECIPIENT_DELAYED)
		i++;
	return i;
}

void report_message(struct queue *q, const struct message *m, const struct loaded *w, struct str *to)
{
	struct row row;
	struct str reason;
	bool waits = m->state == MESSAGE_WAITING && m->due_ms > q->mono_ms;
	str_init(&reason, JOURNAL_LINE_MAX);
	report_reason(q, m, &reason);
	row_begin(&row);
	cell_text(&row, m->id);
	cell_text(&row, message_state_name(m->state));
	cell_number(&row, (int64_t)m->size);
	cell(&row, w->sender.text.len ? w->sender.text : SPAN("<>"));
	cell_number(&row, (int64_t)(w->counts[RECIPIENT_OPEN] + w->counts[RECIPIENT_DELAYED]));
	cell_number(&row, (int64_t)w->rcpt_count);
	cell_number(&row, schedule_age(m->id, q->wall_ms) / 1000);
	cell_number(&row, waits ? (m->due_ms - q->mono_ms + 999) / 1000 : 0);
	cell_text(&row, m->destination ? m->destination->key : "");
	cell(&row, str_span(&reason));
	cell(&row, w->rcpts[first_open(w)].text);
	row_end(&row, ROW_MESSAGE, to);
	str_free(&reason);
}

static const struct job *job_of(const struct loaded *w, size_t rcpt)
{
	const struct job *j;
	TAILQ_FOREACH(j, &w->jobs, of_message)
	{
		if (job_has(j, rcpt))
			return j;
	}
	return NULL;
}

static void report_recipient(const struct queue *q, const struct loaded *w, size_t rcpt, struct str *to)
{
	const struct job *j = job_of(w, rcpt);
	char key[HOP_NAME_MAX] = "";
	struct route route;
	struct row row;
	loaded_route(w, rcpt, queue_server(q), &route);
	if (route.kind != ROUTE_NONE)
		hop_name_format(&route, route.kind == ROUTE_DROP ? route.local->drop_dir : NULL, key);
	row_begin(&row);
	cell(&row, w->rcpts[rcpt].text);
	cell_text(&row, j && j->worker ? "trying" : recipient_state_name(w->states[rcpt]));
	cell_text(&row, key);
	row_end(&row, ROW_RECIPIENT, to);
}

static void report_line(const struct journal_line *line, struct str *to)
{
	char when[CLOCK_TEXT_MAX], rcpts[32], enhanced[ENHANCED_TEXT_MAX];
	struct row row;
	clock_iso(line->wall_ms, when);
	enhanced_format(line->enhanced, enhanced);
	if (line->first == 0 && line->last == UINT32_MAX)
		snprintf(rcpts, sizeof(rcpts), "*");
	else
		snprintf(rcpts, sizeof(rcpts), line->first == line->last ? "%u" : "%u-%u", line->first, line->last);
	row_begin(&row);
	cell_text(&row, when);
	cell_text(&row, rcpts);
	cell_text(&row, journal_event_name(line->event));
	cell_number(&row, line->code);
	cell_text(&row, enhanced);
	cell(&row, line->host);
	cell(&row, line->text);
	row_end(&row, ROW_HISTORY, to);
}

void report_history(struct span lines, struct str *to)
{
	struct journal_line line;
	for (struct span text; span_line(&lines, &text);)
		if (journal_parse(text, &line))
			report_line(&line, to);
}

void report_show(struct queue *q, const struct message *m, const struct loaded *w, struct str *to)
{
	struct str history;
	report_message(q, m, w, to);
	for (size_t i = 0; i < w->rcpt_count; i++)
		report_recipient(q, w, i, to);
	str_init(&history, HISTORY_MAX + 1);
	store_journal_tail(&q->store, m, HISTORY_MAX, &history);
	report_history(str_span(&history), to);
	str_free(&history);
}

void report_fact(struct str *to, const char *name, size_t value)
{
	struct row row;
	row_begin(&row);
	cell_text(&row, name);
	cell_number(&row, (int64_t)value);
	row_end(&row, ROW_FACT, to);
}

/* The number of messages and the age of the oldest one in seconds, or two empty cells. */
static void mail_cells(const struct queue *q, const struct ages *ages, const struct destination *d, struct row *row)
{
	struct destination_mail mail = ages ? ages_of(ages, d) : (struct destination_mail){0};
	if (!mail.pass) {
		cell_text(row, "");
		cell_text(row, "");
		return;
	}
	int64_t age_ms = mail.messages ? q->wall_ms - mail.oldest_ms : 0;
	cell_number(row, (int64_t)mail.messages);
	cell_number(row, age_ms > 0 ? age_ms / 1000 : 0);
}

void report_next_hop(const struct queue *q, const struct ages *ages, const struct destination *d, struct str *to)
{
	struct row row;
	char why[DESTINATION_REASON_MAX];
	int64_t left = destination_describe(d, q->mono_ms, why, sizeof(why));
	row_begin(&row);
	cell_text(&row, d->key);
	cell_number(&row, (int64_t)d->queued);
	cell_number(&row, (int64_t)d->at_workers);
	cell_number(&row, (int64_t)d->connections);
	cell_text(&row, destination_health(d));
	cell_number(&row, (left + 999) / 1000);
	cell_text(&row, why);
	mail_cells(q, ages, d, &row);
	row_end(&row, ROW_NEXT_HOP, to);
}

static void report_trouble(const char *what, const char *name, const char *why, struct str *to)
{
	struct row row;
	row_begin(&row);
	cell_text(&row, what);
	cell_text(&row, name);
	cell_text(&row, why);
	row_end(&row, ROW_TROUBLE, to);
}

/*
 * Reports next hops whose mail waits, WAITING_HOPS_MAX at most. A next hop without references has no mail; it is kept
 * only because it was down.
 */
static void report_waiting_hops(const struct queue *q, struct str *to)
{
	char why[DESTINATION_REASON_MAX];
	size_t shown = 0;
	for (const struct destination *d = q->destinations.table; d && shown < WAITING_HOPS_MAX; d = d->hh.next) {
		destination_describe(d, q->mono_ms, why, sizeof(why));
		if (!why[0] || !d->refs || destination_is_local(d))
			continue;
		report_trouble("next hop", d->key, why, to);
		shown++;
	}
}

static void report_folder(const struct queue *q, const struct drop *folder, struct str *to)
{
	const char *why = folder_trouble(q, folder);
	if (why)
		report_trouble("drop folder", folder->path, why, to);
}

static void report_spool(const struct queue *q, struct str *to)
{
	char why[DESTINATION_REASON_MAX];
	writable_describe(&q->writable, why, sizeof(why));
	if (why[0])
		report_trouble("spool", queue_server(q)->dir, why, to);
}

static void report_oldest(const struct queue *q, const struct ages *ages, struct str *to)
{
	int64_t oldest_ms = ages_oldest(ages), age_ms = oldest_ms ? q->wall_ms - oldest_ms : 0;
	report_fact(to, "oldest_s", age_ms > 0 ? (size_t)(age_ms / 1000) : 0);
}

void report_status(struct queue *q, const struct ages *ages, struct str *to)
{
	const size_t *counts = q->messages.counts;
	size_t active = counts[MESSAGE_ACTIVE] + counts[MESSAGE_PARKED];
	report_fact(to, "messages", messages_count(&q->messages));
	report_fact(to, "active", active);
	report_fact(to, "waiting", counts[MESSAGE_WAITING]);
	report_fact(to, "held", counts[MESSAGE_HELD]);
	report_fact(to, "locked", counts[MESSAGE_LOCKED]);
	report_fact(to, "new",
		    messages_count(&q->messages) - active - counts[MESSAGE_WAITING] - counts[MESSAGE_HELD] -
			    counts[MESSAGE_LOCKED]);
	report_fact(to, "jobs_at_workers", queue_jobs_out(q));
	report_fact(to, "workers_delivery", pool_count(&q->delivery));
	report_fact(to, "workers_local", pool_count(&q->local));
	report_spool(q, to);
	for (size_t i = 0; i < q->drops.n; i++)
		report_folder(q, &q->drops.at[i], to);
	report_waiting_hops(q, to);
	if (!ages)
		return;
	report_oldest(q, ages, to);
	report_disk(q, to);
	report_file_systems(q, to);
	report_badmail(q, to);
	size_t n = 0;
	for (const struct destination *d = q->destinations.table; d && n < NEXT_HOPS_MAX; d = d->hh.next, n++)
		report_next_hop(q, ages, d, to);
}

void report_cells(struct str *to, const char *kind, const struct span *cells, size_t n)
{
	struct row row;
	row_begin(&row);
	for (size_t i = 0; i < n; i++)
		cell(&row, cells[i]);
	row_end(&row, kind, to);
}
