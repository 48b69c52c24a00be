#include "queue/attempt/record.h"

#include <errno.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/log.h"

static int write_lines(struct queue *q, struct message *m, struct span lines, bool durable)
{
	int err = store_to_cur(&q->store, m);
	return err ? err : store_journal_append(&q->store, m, lines, durable);
}

int record_event(struct queue *q, struct message *m, enum journal_event event, struct span text)
{
	struct str line;
	const struct journal_line told = {.wall_ms = q->wall_ms, .last = UINT32_MAX, .event = event, .text = text};
	str_init(&line, JOURNAL_LINE_MAX);
	journal_format(&told, &line);
	int err = line.failed ? -ENOMEM : write_lines(q, m, str_span(&line), false);
	str_free(&line);
	return err;
}

void record_lines(struct queue *q, struct message *m, struct span lines, bool final, bool durable)
{
	int err = m->unwritten || !lines.len ? 0 : write_lines(q, m, lines, durable);
	if (err && !writable_blame(&q->writable, err, q->mono_ms))
		log_error("id=%s: can't write the journal: %s", m->id, strerror(-err));
	if ((m->unwritten || (err && final)) && !message_remember(m, lines))
		log_error("id=%s: no memory for journal lines that could not be written", m->id);
}

static bool is_gone(const struct queue *q, const struct message *m)
{
	int fd = store_open_message(&q->store, m);
	if (fd >= 0)
		fd_close(&fd);
	return fd == -ENOENT;
}

bool record_unwritten(struct queue *q, struct message *m)
{
	int err = m->unwritten ? write_lines(q, m, str_span(m->unwritten), true) : 0;
	if (err == -ENOENT && is_gone(q, m))
		err = 0; /* the lines are not needed; load_message forgets the message */
	if (err)
		queue_put_off(q, m, "write the journal", err);
	else
		message_forget_lines(m);
	return !err;
}
