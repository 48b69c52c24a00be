#include "queue/operator/badmail_survey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/operator/report.h"

enum { TELL_EVERY_MS = 1000, HISTORY_MAX = 1 << 20, REASON_MAX = 64 * 1024 };

static void report_one(struct queue *q, const struct badmail *b, const struct loaded *w, struct str *to)
{
	size_t first = 0, n = w ? badmail_open_recipients(w, &first) : 0;
	char numbers[4][24];
	const int64_t values[4] = {(q->wall_ms - b->since_ms) / 1000,
				   (badmail_until(b, queue_server(q)->badmail_keep) - q->wall_ms) / 1000,
				   (int64_t)b->size, (int64_t)n};
	for (size_t i = 0; i < 4; i++)
		snprintf(numbers[i], sizeof(numbers[i]), "%lld", (long long)(values[i] > 0 ? values[i] : 0));
	const struct span sender = !w ? SPAN("") : w->sender.text.len ? w->sender.text : SPAN("<>");
	const struct span cells[] = {
		span_of(b->id),
		span_of(numbers[0]),
		span_of(numbers[1]),
		span_of(numbers[2]),
		sender,
		span_of(w ? numbers[3] : ""),
		n ? w->rcpts[first].text : SPAN(""),
		span_of(b->reason),
	};
	report_cells(to, ROW_BADMAIL, cells, sizeof(cells) / sizeof(cells[0]));
}

static void report_recipients(const struct loaded *w, struct str *to)
{
	for (size_t i = 0; i < w->rcpt_count; i++) {
		const struct span cells[] = {
			w->rcpts[i].text, span_of(recipient_state_name((enum recipient_state)w->states[i])), SPAN("")};
		report_cells(to, ROW_RECIPIENT, cells, 3);
	}
}

/* Reports the lines of ID.txt, except journal lines when the history reports them. */
static void report_reason_lines(const struct queue *q, const struct badmail *b, struct str *to)
{
	char name[BADMAIL_NAME_MAX];
	struct journal_line parsed;
	struct str text;
	badmail_name(b->id, ".txt", name);
	int fd = openat(q->store.badmail_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	str_init(&text, REASON_MAX);
	int err = fd_read_all(fd, &text);
	fd_close(&fd);
	struct span rest = str_span(&text);
	for (struct span line; (!err || err == -EFBIG) && span_line(&rest, &line);)
		if (!b->has_log || !journal_parse(line, &parsed))
			report_cells(to, ROW_REASON, &line, 1);
	str_free(&text);
}

void badmail_show(struct queue *q, const struct badmail *b, struct str *to)
{
	const struct store here = {
		.new_fd = -1, .cur_fd = q->store.badmail_fd, .badmail_fd = q->store.badmail_fd, .lock_fd = -1};
	struct message as;
	struct str history;
	struct loaded *w = badmail_loaded(q->store.badmail_fd, b, &as, &q->arena, &q->text);
	report_one(q, b, w, to);
	if (w) {
		report_recipients(w, to);
		str_init(&history, HISTORY_MAX + 1);
		store_journal_tail(&here, &as, HISTORY_MAX, &history);
		report_history(str_span(&history), to);
		str_free(&history);
		loaded_free(w);
	}
	report_reason_lines(q, b, to);
}

int badmail_survey_begin(struct queue *q, struct badmail_survey *s)
{
	s->look.fd = -1;
	s->told_ms = q->mono_ms;
	if (*s->id)
		return 0;
	int fd = openat(q->store.badmail_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->folder = fd < 0 ? NULL : fdopendir(fd);
	if (s->folder)
		return 0;
	int err = -errno;
	fd_close(&fd);
	return err;
}

/* Fills *B with the next message; false at the end. */
static bool next(const struct queue *q, struct badmail_survey *s, struct badmail *b)
{
	char id[BADMAIL_ID_MAX + 1];
	if (s->ended)
		return false;
	if (!s->folder) {
		s->ended = true;
		return badmail_look(q->store.badmail_fd, s->id, b) == 0;
	}
	for (const struct dirent *entry; (entry = readdir(s->folder));)
		if (badmail_id(span_of(entry->d_name), id) && badmail_look(q->store.badmail_fd, id, b) == 0)
			return true;
	s->ended = true;
	return false;
}

static void note(struct badmail_survey *s, bool done)
{
	s->done += done;
	s->failed += !done;
	if (!done && s->action == ROW_RESEND)
		log_warning("badmail %s: not resent: %s", s->one.id, s->why);
}

static void delete_one(const struct queue *q, struct badmail_survey *s)
{
	int err = badmail_remove(q->store.badmail_fd, s->one.id);
	if (err)
		snprintf(s->why, sizeof(s->why), "%s", strerror(-err));
	else
		log_info("badmail %s: deleted by an operator", s->one.id);
	note(s, !err);
}

static void list_one(struct queue *q, struct badmail_survey *s, struct str *to)
{
	struct message as;
	struct loaded *w = badmail_loaded(q->store.badmail_fd, &s->one, &as, &q->arena, &q->text);
	report_one(q, &s->one, w, to);
	if (w)
		loaded_free(w);
	s->done++;
}

static void begin_resend(struct queue *q, struct badmail_survey *s)
{
	struct message as;
	struct loaded *w = badmail_loaded(q->store.badmail_fd, &s->one, &as, &q->arena, &q->text);
	bool ok = resend_begin(&q->store, &s->one, w, &s->look, s->why);
	if (w)
		loaded_free(w);
	if (!ok)
		note(s, false);
}

static void look_at(struct queue *q, struct badmail_survey *s, struct str *to)
{
	s->looked++;
	if (!s->action)
		list_one(q, s, to);
	else if (s->count_only)
		s->done++;
	else if (s->action == ROW_DELETE)
		delete_one(q, s);
	else
		begin_resend(q, s);
}

/* Reports progress, so that mailrootctl does not give up. */
static void tell(const struct queue *q, struct badmail_survey *s, struct str *to)
{
	if (q->mono_ms - s->told_ms < TELL_EVERY_MS)
		return;
	s->told_ms = q->mono_ms;
	report_progress(to, s->looked);
}

enum survey_step badmail_survey_go_on(struct queue *q, struct badmail_survey *s, int64_t until_ms, struct str *to)
{
	tell(q, s, to);
	if (s->action && !q->messages.all_known)
		return SURVEY_WAIT;
	do {
		if (s->look.fd >= 0) {
			if (!resend_read(&s->look))
				note(s, resend_put(&q->store, &q->messages, &s->one, &s->look, q->wall_ms, s->why));
		} else if ((s->limit && s->done == s->limit) || !next(q, s, &s->one)) {
			if (s->action)
				report_counts(to, s->done, 0, 0, s->failed);
			return SURVEY_END;
		} else {
			look_at(q, s, to);
		}
	} while (to->len < SURVEY_OUT_ENOUGH && clock_mono_ms() < until_ms);
	return SURVEY_MORE;
}

void badmail_survey_close(struct badmail_survey *s)
{
	if (s->folder)
		closedir(s->folder);
	s->folder = NULL;
	if (s->look.fd > 0)
		fd_close(&s->look.fd);
	s->look.fd = -1;
}
