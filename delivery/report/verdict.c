#include "delivery/report/verdict.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/mail/msgid.h"

enum { PACKET_MAX = 4096 };

static bool final(const struct outcome *outcome)
{
	return outcome->event != JOURNAL_DELAYED;
}

static int append(int journal, struct span lines)
{
	int err = fd_write_all(journal, lines);
	if (!err && fdatasync(journal) < 0)
		err = -errno;
	return err;
}

/* Writes all final lines at once. False: the queue has to write them. */
static bool write_journal(const struct verdict_job *job, const struct outcomes *outcomes)
{
	struct str lines;
	struct outcome_run run;
	str_init(&lines, (size_t)JOURNAL_LINE_MAX * (outcomes->n + 1));
	for (size_t at = 0; outcomes_run(outcomes, &at, &run);) {
		const struct outcome *o = run.outcome;
		if (final(o))
			journal_format(&(struct journal_line){clock_wall_ms(), run.first, run.last, o->event, o->code,
							      o->enhanced, o->host, o->text},
				       &lines);
	}
	int err = lines.failed ? -ENOMEM : 0;
	if (!err && lines.len)
		err = append(job->journal, str_span(&lines));
	if (err)
		log_error("id=%.*s: can't write the journal: %s", SPAN_ARGS(job->id), strerror(-err));
	str_free(&lines);
	return !err;
}

/* Waits until there is memory: a lost verdict means a second delivery. */
static void send_packet(int link, const struct wire_verdict *verdict)
{
	struct str packet;
	int pause_ms = 0;
	str_init(&packet, PACKET_MAX);
	while (!wire_encode_verdict(verdict, &packet)) {
		if (!packet.failed)
			log_fatal(EXIT_TEMPORARY, "id=%.*s: a verdict does not fit its packet", SPAN_ARGS(verdict->id));
		str_clear(&packet);
		clock_back_off(&pause_ms);
	}
	int err = ipc_send_surely(link, str_span(&packet));
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't report to the queue: %s", strerror(-err));
	str_free(&packet);
}

static void send_run(const struct verdict_job *job, const struct outcome_run *run, bool journaled, bool last)
{
	const struct outcome *o = run->outcome;
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(o->enhanced, enhanced);
	struct wire_verdict verdict = {.id = job->id,
				       .worker = job->worker,
				       .first = run->first,
				       .last = run->last,
				       .event = o->event,
				       .code = (uint64_t)o->code,
				       .enhanced = span_of(enhanced),
				       .host = {o->host.at, o->host.len < 300 ? o->host.len : 300},
				       .text = {o->text.at, o->text.len < 512 ? o->text.len : 512},
				       .journaled = journaled && final(o),
				       .last_of_job = last,
				       .connected = job->connected};
	if (last) {
		verdict.transactions = job->transactions;
		verdict.reached = job->reached;
		verdict.failed = job->failed;
	}
	send_packet(job->link, &verdict);
}

static void log_run(const struct verdict_job *job, const struct outcomes *outcomes, const struct outcome_run *run)
{
	const struct outcome *o = run->outcome;
	char id[MSGID_LEN + 1], enhanced[ENHANCED_TEXT_MAX], text[REPLY_TEXT_MAX + 1];
	int64_t age_ms = span_copy(job->id, id, sizeof(id)) ? clock_wall_ms() - msgid_time(id) * 1000 : 0;
	enhanced_format(o->enhanced, enhanced);
	span_quotable(o->text, text, sizeof(text));
	struct span relay = o->host.len ? o->host : SPAN("-"), tls = o->tls.len ? o->tls : SPAN("none");
	for (size_t i = 0; i < run->count; i++)
		log_info(
			"id=%s from=<%.*s> to=<%.*s> relay=%.*s tls=%.*s%s%.*s status=%s code=%d enhanced=%s text=\"%s\" delay=%llds",
			id, SPAN_ARGS(job->sender), SPAN_ARGS(outcomes->rcpts[run->at + i].address), SPAN_ARGS(relay),
			SPAN_ARGS(tls), job->dkim.len ? " dkim=" : "", SPAN_ARGS(job->dkim),
			journal_event_name(o->event), o->code, *enhanced ? enhanced : "-", text,
			(long long)(age_ms < 0 ? 0 : age_ms / 1000));
}

void verdict_send(const struct verdict_job *job, const struct outcomes *outcomes)
{
	bool journaled = job->journal >= 0 && write_journal(job, outcomes);
	struct outcome_run run, next;
	size_t at = 0;
	bool more = outcomes_run(outcomes, &at, &run);
	while (more) {
		more = outcomes_run(outcomes, &at, &next);
		send_run(job, &run, journaled, !more);
		log_run(job, outcomes, &run);
		run = next;
	}
}

/* Has a code, although no host gave one: otherwise the queue would count the next hop as down. */
void verdict_send_none(const struct verdict_job *job, uint32_t first, const char *why)
{
	struct outcome outcome = {.event = JOURNAL_DELAYED, .code = 451, .enhanced = {4, 3, 0}, .text = span_of(why)};
	struct outcome_run run = {.first = first, .last = first, .outcome = &outcome};
	send_run(job, &run, false, true);
}

void verdict_show(const struct verdict_job *job, unsigned by, struct span text)
{
	struct wire_dialogue dialogue = {.id = job->id, .by = by, .text = {text.at, text.len < 600 ? text.len : 600}};
	struct str packet;
	str_init(&packet, PACKET_MAX);
	if (wire_encode_dialogue(&dialogue, &packet))
		ipc_send_now(job->link, str_span(&packet));
	str_free(&packet);
}
