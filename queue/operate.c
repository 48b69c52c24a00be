#include "queue/operate.h"

#include <string.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/host/spool.h"
#include "queue/attempt.h"
#include "queue/jobs.h"
#include "queue/schedule.h"
#include "queue/settle.h"

static bool selects_text(const char *wanted, struct span text)
{
	return !*wanted || span_equal_nocase(span_of(wanted), text);
}

static bool selects_recipient(const struct operate_selection *s, const struct whole *w)
{
	if (!*s->recipient && !*s->domain)
		return true;
	for (size_t i = 0; i < w->rcpt_count; i++)
		if (selects_text(s->recipient, w->rcpts[i].text) && selects_text(s->domain, w->rcpts[i].domain))
			return true;
	return false;
}

bool operate_selects(const struct queue *q, const struct operate_selection *s, const struct whole *w)
{
	struct span sender = w->sender.text.len ? w->sender.text : SPAN("<>");
	return selects_text(s->id, span_of(w->message->id)) && selects_text(s->sender, sender) &&
	       schedule_age(w->message->id, q->wall_ms) >= s->older_s * 1000 && selects_recipient(s, w);
}

static void replay(void *context, const struct journal_line *line)
{
	whole_replay(context, line);
}

struct whole *operate_peek(struct queue *q, struct message *m)
{
	struct envelope envelope;
	const char *why;
	if (m->whole || !m->has_file)
		return m->whole;
	int fd = store_open_message(&q->store, m);
	if (fd < 0)
		return NULL;
	arena_reset(&q->arena);
	str_clear(&q->text);
	int err = spool_read_envelope(fd, &q->text, &q->arena, &envelope, &why);
	struct whole *w = err ? NULL : whole_new(m, &envelope, str_span(&q->text));
	fd_close(&fd);
	if (!w)
		return NULL;
	w->peeked = true;
	store_journal_read(&q->store, m, replay, w); /* what could be read of it will do */
	return w;
}

void operate_unpeek(struct whole *w)
{
	if (w && w->peeked)
		whole_free(w);
}

static bool retry(struct queue *q, struct message *m)
{
	struct str line;
	const struct journal_line asked = {.wall_ms = q->wall_ms,
					   .last = UINT32_MAX,
					   .event = JOURNAL_RETRY,
					   .text = SPAN("asked for by an operator")};
	if (m->state != MESSAGE_WAITING)
		return m->state == MESSAGE_ACTIVE || m->state == MESSAGE_READY || m->state == MESSAGE_PARKED;
	if (m->destination)
		m->destination->down_until = 0;
	str_init(&line, JOURNAL_LINE_MAX);
	journal_format(&asked, &line);
	if (m->has_log && store_journal_append(&q->store, m, str_span(&line)) < 0)
		log_warning("id=%s: the journal does not say that a retry was asked for", m->id);
	str_free(&line);
	return settle_hurry(q, m);
}

static bool delete (struct queue *q, struct message *m)
{
	if (m->state == MESSAGE_LISTED || m->state == MESSAGE_LOCKED || m->state == MESSAGE_PROBED)
		return false;
	if (m->found && store_probe(&q->store, m) < 0)
		return false;
	if (m->whole) {
		m->whole->deleting = true;
		jobs_cancel(q, m);
		if (m->whole->job_count)
			return true; /* what is out comes back first */
	}
	settle_badmail(q, m, SPAN("Deleted by an operator.\n"));
	return true;
}

bool operate_act(struct queue *q, struct message *m, enum row_action action)
{
	return action == ROW_RETRY ? retry(q, m) : delete (q, m);
}
