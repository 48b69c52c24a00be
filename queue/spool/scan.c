#include "queue/spool/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/queue.h"
#include "queue/attempt/verdicts.h"
#include "queue/rules/schedule.h"
#include "queue/spool/resend.h"

enum { LOCKED_FIRST_MS = 10, LOCKED_DOUBLINGS = 7, TROUBLE_MS = 1000, SETTLE_SLICE = 500 };

void scan_request(struct queue *q)
{
	struct scan *s = &q->scan;
	int64_t soon = s->last_ms + SCAN_PAUSE_MS;
	s->again = s->step != SCAN_IDLE;
	if (!s->again && soon < s->next_ms)
		s->next_ms = soon;
}

static bool open_folder(struct scan *s, int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->folder = fd < 0 ? NULL : fdopendir(fd);
	if (!s->folder)
		fd_close(&fd);
	return s->folder != NULL;
}

static void close_folder(struct scan *s)
{
	if (s->folder)
		closedir(s->folder);
	s->folder = NULL;
}

/* The message of that id: one of this listing, or NULL when it is known already. */
static struct message *meet(struct queue *q, const struct msgname *name)
{
	struct message *m = message_find(&q->messages, name->id);
	if (m)
		return m->state == MESSAGE_LISTED ? m : NULL;
	m = message_add(&q->messages, name);
	if (!m)
		log_error("no memory for message %s: the next scan tries again", name->id);
	else
		m->found = true;
	return m;
}

static void meet_file(struct queue *q, const struct msgname *name, bool in_cur)
{
	struct message *m = meet(q, name);
	if (!m || m->has_file)
		return;
	m->has_file = true;
	m->in_cur = in_cur;
	m->unsynced = !in_cur;
	m->size = name->size;
	m->eight_bit = name->eight_bit;
	/* cur/ was read before, so all is known of it. The newest goes first: mail that just came is what people wait
	 * for. */
	if (!in_cur)
		message_wait(&q->messages, m, MESSAGE_MET, -msgid_time(m->id));
}

static void meet_log(struct queue *q, struct span entry)
{
	struct msgname name = {.size = 0};
	struct span id = {entry.at, entry.len < 4 ? 0 : entry.len - 4};
	if (!span_ends_nocase(entry, SPAN(".log")) || !msgid_valid(id) || !span_copy(id, name.id, sizeof(name.id)))
		return;
	struct message *m = meet(q, &name);
	if (m)
		m->has_log = true;
}

/* An unfinished write that nobody works on any more. */
static void meet_hidden(struct queue *q, const char *entry)
{
	if (!msgid_valid(span_of(entry + 1)))
		return;
	int fd = openat(q->store.new_fd, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && store_lock(fd, STORE_ALONE) == 0 && unlinkat(q->store.new_fd, entry, 0) == 0)
		log_info("new/%s: removed, its writer is gone", entry);
	fd_close(&fd);
}

/* What is no regular file can be no message: it is left where it lies. A journal is what its name says, whatever it is,
 * for its message must not pass for untried. */
static void meet_entry(struct queue *q, const struct dirent *entry, bool in_cur)
{
	struct msgname name;
	bool regular = entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN;
	if (regular && msgname_parse(span_of(entry->d_name), &name))
		meet_file(q, &name, in_cur);
	else if (in_cur && regular && entry->d_name[0] == '.')
		resend_finish(&q->store, entry->d_name);
	else if (in_cur)
		meet_log(q, span_of(entry->d_name));
	else if (regular && entry->d_name[0] == '.')
		meet_hidden(q, entry->d_name);
}

/* Reads a slice; true at the end of the folder. */
static bool read_slice(struct queue *q, bool in_cur)
{
	for (int i = 0; i < SCAN_SLICE; i++) {
		const struct dirent *entry = readdir(q->scan.folder);
		if (!entry)
			return true;
		meet_entry(q, entry, in_cur);
	}
	return false;
}

static void settle_cur(struct queue *q, struct message *m)
{
	int64_t next_try;
	if (!m->has_file) {
		store_finish_log(&q->store, m->id);
		queue_forget(q, m);
		return;
	}
	if (!m->has_log || store_next_try(&q->store, m, &next_try) < 0) {
		message_move(&q->messages, m, MESSAGE_FOUND);
		return;
	}
	if (next_try == STORE_HELD_MS) {
		message_move(&q->messages, m, MESSAGE_HELD);
		return;
	}
	int64_t left = schedule_remaining(&queue_server(q)->delivery.retry, next_try, q->wall_ms);
	message_wait(&q->messages, m, MESSAGE_WAITING, q->mono_ms + left);
}

/* A slice of what stands in cur/; true when nothing is left. */
static bool settle_slice(struct queue *q)
{
	struct message *m;
	for (int i = 0; i < SETTLE_SLICE && (m = TAILQ_FIRST(&q->messages.listed)); i++)
		settle_cur(q, m);
	return TAILQ_EMPTY(&q->messages.listed);
}

static void start_step(struct queue *q, enum scan_step step, int folder)
{
	close_folder(&q->scan);
	q->scan.step = step;
	if (folder < 0 || open_folder(&q->scan, folder))
		return;
	log_error("can't read the spool: %s", strerror(errno));
	q->scan.step = SCAN_IDLE;
	q->scan.next_ms = q->mono_ms + TROUBLE_MS;
}

static void finish(struct queue *q)
{
	q->scan.step = SCAN_IDLE;
	q->scan.last_ms = q->mono_ms;
	q->scan.next_ms = q->mono_ms + (q->scan.again ? SCAN_PAUSE_MS : SCAN_EVERY_MS);
	q->scan.again = false;
}

bool scan_list(struct queue *q)
{
	switch (q->scan.step) {
	case SCAN_IDLE:
		if (q->scan.next_ms > q->mono_ms)
			return false;
		start_step(q, SCAN_CUR, q->store.cur_fd);
		break;
	case SCAN_CUR:
		if (read_slice(q, true))
			start_step(q, SCAN_NEW, q->store.new_fd);
		break;
	case SCAN_NEW:
		if (!read_slice(q, false))
			break;
		start_step(q, SCAN_SETTLE, -1);
		q->scan.listed = true;
		break;
	default:
		if (settle_slice(q))
			finish(q);
	}
	return q->scan.step != SCAN_IDLE;
}

static void look_again(struct queue *q, struct message *m)
{
	int64_t after = LOCKED_FIRST_MS << m->lock_tries;
	if (m->lock_tries < LOCKED_DOUBLINGS)
		m->lock_tries++;
	message_wait(&q->messages, m, MESSAGE_LOCKED, q->mono_ms + after);
}

static void bad_file(struct queue *q, struct message *m, const char *why)
{
	struct span rest = span_of(why), line = rest;
	int err = store_badmail(&q->store, m, rest);
	span_line(&rest, &line);
	log_warning("id=%s status=badmail text=\"%.*s\"%s%s", m->id, SPAN_ARGS(line), err ? ": " : "",
		    err ? strerror(-err) : "");
	if (err)
		message_wait(&q->messages, m, MESSAGE_LOCKED, q->mono_ms + SCAN_EVERY_MS);
	else
		queue_forget(q, m);
}

static void probe(struct queue *q, struct message *m)
{
	int err = store_probe(&q->store, m);
	switch (err) {
	case 0:
		m->lock_tries = 0;
		message_move(&q->messages, m, MESSAGE_PROBED);
		break;
	case -EWOULDBLOCK:
		look_again(q, m);
		break;
	case -ENOENT:
		queue_forget(q, m);
		break;
	case -ENODATA:
		log_info("id=%s: removed, an empty file that was never acknowledged", m->id);
		store_finish(&q->store, m);
		queue_forget(q, m);
		break;
	case -EBADMSG:
		bad_file(q, m,
			 "The file is not of the size that its name says: it was never acknowledged, or edited.\n");
		break;
	case -EACCES:
		bad_file(q, m, "The file can't be read by the queue: somebody else put it here.\n");
		break;
	default:
		log_error("id=%s: can't look at the message: %s", m->id, strerror(-err));
		message_wait(&q->messages, m, MESSAGE_LOCKED, q->mono_ms + TROUBLE_MS);
	}
}

bool scan_adopt(struct queue *q)
{
	struct message *m;
	for (int i = 0; i < SCAN_PROBES && (m = TAILQ_FIRST(&q->messages.found)); i++)
		probe(q, m);
	if (TAILQ_EMPTY(&q->messages.probed))
		return !TAILQ_EMPTY(&q->messages.found);
	if (!verdicts_receive(q))
		return true;
	while ((m = TAILQ_FIRST(&q->messages.probed))) {
		m->found = false;
		message_move(&q->messages, m, MESSAGE_READY);
	}
	return !TAILQ_EMPTY(&q->messages.found);
}

void scan_free(struct queue *q)
{
	close_folder(&q->scan);
}
