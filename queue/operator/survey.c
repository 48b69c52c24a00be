#include "queue/operator/survey.h"

#include <string.h>

#include "common/base/clock.h"
#include "queue/operator/index.h"
#include "queue/operator/report.h"

enum { KNOWN_AT_ONCE = 4096, TELL_EVERY_MS = 1000 };

void survey_begin(struct queue *q, struct survey *s)
{
	s->cursor = *s->selection.id ? message_find(&q->messages, s->selection.id) : q->messages.table;
	s->left = *s->selection.id ? 1 : messages_count(&q->messages);
	s->told_ms = q->mono_ms;
}

static bool has_reason(struct queue *q, const struct survey *s, const struct message *m)
{
	struct str reason;
	if (!*s->selection.reason)
		return true;
	str_init(&reason, REPORT_REASON_MAX);
	report_reason(q, m, &reason);
	bool has = selection_has_reason(&s->selection, str_span(&reason));
	str_free(&reason);
	return has;
}

/* True when M is selected; a listing reports it. *READ: the file of M was read. */
static bool is_selected(struct queue *q, const struct survey *s, struct message *m, bool *read, struct str *to)
{
	*read = false;
	if (!m->has_file || !selection_may(&s->selection, m, q->wall_ms))
		return false;
	if (s->action && !selection_needs_loaded(&s->selection))
		return true;
	*read = true;
	if (!m->sender && selection_needs_loaded(&s->selection)) {
		index_mark(q, m); /* most messages are decided by their marks */
		if (!selection_may(&s->selection, m, q->wall_ms))
			return false;
	}
	struct loaded *w = operate_peek(q, m);
	bool selected = w && selection_has(&s->selection, w, q->wall_ms) && has_reason(q, s, m);
	if (selected && !s->action)
		report_message(q, m, w, to);
	operate_unpeek(w);
	return selected;
}

static enum operate_outcome look_at(struct queue *q, struct survey *s, struct message *m, bool *read, struct str *to)
{
	if (!is_selected(q, s, m, read, to))
		return OPERATE_GONE;
	if (s->action && !operate_applies(m, s->action))
		return OPERATE_ALREADY;
	if (!s->action || s->count_only)
		return OPERATE_DONE;
	*read = true;
	return operate_act(q, m, s->action);
}

static enum survey_step end(struct survey *s, struct str *to)
{
	if (s->action)
		report_counts(to, s->counts[OPERATE_DONE], s->counts[OPERATE_IN_HAND], s->counts[OPERATE_ALREADY],
			      s->counts[OPERATE_FAILED]);
	return SURVEY_END;
}

/* Reports progress, so that mailrootctl does not give up. */
static void tell(const struct queue *q, struct survey *s, struct str *to)
{
	if (q->mono_ms - s->told_ms < TELL_EVERY_MS)
		return;
	s->told_ms = q->mono_ms;
	report_progress(to, s->looked);
}

enum survey_step survey_go_on(struct queue *q, struct survey *s, int64_t until_ms, struct str *to)
{
	tell(q, s, to);
	if (s->action && !s->count_only && !q->messages.all_known)
		return SURVEY_WAIT; /* the first listing still runs, so not all messages are known */
	for (int i = 0; i < KNOWN_AT_ONCE && to->len < SURVEY_OUT_ENOUGH; i++) {
		struct message *m = s->cursor;
		char id[MSGID_LEN + 1];
		bool read;
		if (!m || !s->left || (s->limit && s->counts[OPERATE_DONE] == s->limit))
			return end(s, to);
		memcpy(id, m->id, sizeof(id));
		s->cursor = m->hh.next; /* acting on M may move it on: see survey_forget */
		enum operate_outcome outcome = look_at(q, s, m, &read, to);
		if (outcome == OPERATE_LATER) {
			m = message_find(&q->messages, id);
			s->cursor = m ? m : s->cursor;
			return SURVEY_WAIT;
		}
		s->left--;
		s->looked++;
		s->counts[outcome]++;
		if (read && clock_mono_ms() >= until_ms)
			break;
	}
	return SURVEY_MORE;
}

void survey_forget(struct survey *s, const struct message *m)
{
	if (s->cursor == m)
		s->cursor = m->hh.next;
}
