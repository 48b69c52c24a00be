#include "queue/attempt/load.h"

#include <errno.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/spool/spool.h"
#include "queue/attempt/settle.h"

static void replay(void *context, const struct journal_line *line)
{
	whole_replay(context, line);
}

static bool bad_message(struct queue *q, struct message *m, const char *why)
{
	str_clear(&q->text);
	str_printf(&q->text, "The file is no message of ours: %s.\n", why);
	settle_badmail(q, m, str_span(&q->text));
	return false;
}

static bool trouble(struct queue *q, struct message *m, const char *what, int err)
{
	settle_trouble(q, m, what, err);
	return false;
}

static bool never_acknowledged(struct queue *q, struct message *m)
{
	log_info("id=%s: removed, a file of zeros that was never acknowledged", m->id);
	store_finish(&q->store, m);
	queue_forget(q, m);
	return false;
}

/* The message in FD as a whole form, which owns FD from now on. */
static bool make_whole(struct queue *q, struct message *m, int fd)
{
	struct envelope envelope;
	const char *why = "unknown reason";
	arena_reset(&q->arena);
	str_clear(&q->text);
	int err = spool_read_envelope(fd, &q->text, &q->arena, &envelope, &why);
	if (!err)
		m->whole = whole_new(m, &envelope);
	if (!err && m->whole) {
		m->whole->fd = fd;
		q->whole_count++;
		q->fd_count++;
		return true;
	}
	bool zeros = err == -EBADMSG && store_is_zeros(fd, m);
	fd_close(&fd);
	if (zeros)
		return never_acknowledged(q, m);
	return err == -EBADMSG ? bad_message(q, m, why) : trouble(q, m, "read the message", err ? err : -ENOMEM);
}

static bool read_journal(struct queue *q, struct message *m)
{
	int err = store_journal_read(&q->store, m, replay, m->whole);
	if (err == -EFBIG || err == -EBADMSG)
		return bad_message(q, m, "its journal is too large, or no file");
	if (err)
		return trouble(q, m, "read the journal", err);
	if (m->unwritten)
		whole_replay_lines(m->whole, str_span(m->unwritten));
	unsigned tries = whole_tries(m->whole);
	if (tries > m->attempts)
		m->attempts = (uint16_t)tries;
	return true;
}

bool load_message(struct queue *q, struct message *m)
{
	int fd = store_open_message(&q->store, m);
	if (fd == -ENOENT) {
		log_warning("id=%s: its file is gone; somebody else removed it", m->id);
		queue_forget(q, m);
		return false;
	}
	if (fd < 0)
		return trouble(q, m, "open the message", fd);
	int err = m->unsynced ? store_sync(fd) : 0;
	if (err) {
		fd_close(&fd);
		return trouble(q, m, "make the message durable", err);
	}
	m->unsynced = false;
	return make_whole(q, m, fd) && read_journal(q, m);
}

void load_close_file(struct queue *q, struct whole *w)
{
	if (w->fd >= 0)
		q->fd_count--;
	fd_close(&w->fd);
}

void load_undo(struct queue *q, struct message *m)
{
	load_close_file(q, m->whole);
	whole_free(m->whole);
	m->whole = NULL;
	q->whole_count--;
}
