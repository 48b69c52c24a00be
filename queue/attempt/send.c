#include "queue/attempt/send.h"

#include <errno.h>

#include "common/base/fd.h"
#include "common/ipc/counters.h"
#include "queue/model/atrn.h"
#include "queue/model/loaded.h"
#include "queue/plan/host_order.h"

enum { ROOM_LINES_MAX = 100 };

static struct span bitmap_of(const struct job *j)
{
	bool all = j->rcpt_count == j->message->loaded->rcpt_count;
	return (struct span){(const char *)j->bitmap, all ? 0 : j->bitmap_len};
}

/* The index, among the descriptors of the packet, of the stream of an ATRN connection; 0 = J brings none. */
static size_t stream_place(const struct job *j)
{
	bool comes = atrn_is(j->destination) && j->destination->atrn->stream >= 0;
	return !comes ? 0 : j->message->in_cur ? 2 : 1;
}

static bool encode_smtp(struct queue *q, const struct job *j)
{
	struct destination *d = j->destination;
	struct host_order order;
	host_order_take(&q->destinations, d, q->mono_ms, &q->text, &order);
	int64_t max = queue_server(q)->messages.max_messages_per_connection;
	const char *sender = j->message->loaded->sender.text.len ? d->send_as : d->notice_sender;
	struct wire_job_smtp packet = {
		.id = span_of(j->message->id),
		.destination = span_of(d->key),
		.security = span_of(d->security),
		.credentials = span_of(d->credentials),
		.written = span_of(d->written ? d->written : ""),
		.hosts = order.hosts,
		.found = order.found,
		.generation = d->generation,
		.anew = order.anew || (j->message->watched && !atrn_is(j->destination)),
		.shown = j->message->watched,
		.rcpts = bitmap_of(j),
		.size = j->message->size,
		.eight_bit = j->message->eight_bit,
		.use_helo = d->use_helo,
		.helo = span_of(d->helo),
		.source = span_of(d->source),
		.masquerade =
			*sender ? (struct span){0} : route_masquerade(queue_server(q), &j->message->loaded->sender),
		.send_as = span_of(sender),
		.send_as_header = d->send_as_header,
		.send_as_keep_name = d->send_as_keep_name,
		.send_as_reply_to = d->send_as_reply_to,
		.timeout_ms = (uint64_t)d->timeout_ms,
		.turned = atrn_is(d),
		.stream = stream_place(j),
		.patient = d->provider && d->provider->max_connections != SIZE_MAX,
		.max_messages = max == CONFIG_NONE || atrn_is(d) ? 0 : (uint64_t)max,
	};
	return wire_encode_job_smtp(&packet, &q->packet);
}

static bool encode_copy(struct queue *q, const struct job *j)
{
	const struct drop *folder = drop_find(&q->drops, j->destination->folder, q->mono_ms);
	struct wire_job_copy packet = {
		.id = span_of(j->message->id),
		.folder = span_of(j->destination->folder),
		.rcpts = bitmap_of(j),
		.size = j->message->size,
		.eight_bit = j->message->eight_bit,
		.return_path = folder && folder->return_path,
	};
	return wire_encode_job_copy(&packet, &q->packet);
}

static bool encode_notice(struct queue *q, const struct job *j)
{
	char notice_id[MSGID_LEN + 1];
	job_notice_id(j, notice_id);
	struct wire_job_notice packet = {
		.id = span_of(j->message->id),
		.notice_id = span_of(notice_id),
		.until_s = (uint64_t)(j->message->loaded->notice_until_ms / 1000),
		.rcpts = bitmap_of(j),
		.size = j->message->size,
		.eight_bit = j->message->eight_bit,
	};
	return wire_encode_job_notice(&packet, &q->packet);
}

static bool encode(struct queue *q, const struct job *j)
{
	str_clear(&q->packet);
	switch (j->kind) {
	case JOB_SMTP:
		return encode_smtp(q, j);
	case JOB_COPY:
		return encode_copy(q, j);
	case JOB_NOTICE:
		return encode_notice(q, j);
	}
	return false;
}

/* Opens the message file and locks it for this job. A descriptor or -errno. */
static int open_locked(struct queue *q, struct message *m)
{
	struct loaded *w = m->loaded;
	enum store_lock how = w->out_count ? STORE_SHARED : w->job_count > 1 ? STORE_ALONE_THEN_SHARED : STORE_ALONE;
	int fd = loaded_take_file(&q->messages, w);
	if (fd < 0)
		fd = store_open_message(&q->store, m);
	if (fd < 0)
		return fd;
	int err = store_lock(fd, how);
	if (!err)
		return fd;
	fd_close(&fd);
	return err;
}

/*
 * Opens the journal of M, with room for one line per recipient, ROOM_LINES_MAX at most, because many recipients mostly
 * share lines. The first job has it alone.
 */
static int open_journal(struct queue *q, struct message *m)
{
	size_t lines = m->loaded->rcpt_count < ROOM_LINES_MAX ? m->loaded->rcpt_count : ROOM_LINES_MAX;
	return store_journal_open(&q->store, m, lines * JOURNAL_LINE_MAX, m->loaded->out_count == 0);
}

static int send_packet(struct queue *q, struct job *j, struct worker *w, int message)
{
	int fds[3] = {message, -1, -1};
	size_t n = j->message->in_cur ? 2 : 1, stream = j->kind == JOB_SMTP ? stream_place(j) : 0;
	if (!encode(q, j))
		return -EMSGSIZE;
	if (n == 2)
		fds[1] = open_journal(q, j->message);
	int journal = fds[1];
	if (n == 2 && journal < 0)
		return journal;
	if (stream)
		fds[n++] = j->destination->atrn->stream;
	int err = ipc_send(w->fd, str_span(&q->packet), fds, n);
	fd_close(&journal);
	if (!err && stream)
		fd_close(&j->destination->atrn->stream);
	return err == -EAGAIN || err == -ECONNRESET ? -EPIPE : err;
}

int send_job(struct queue *q, struct job *j, struct worker *w)
{
	int message = open_locked(q, j->message);
	if (message < 0)
		return message;
	int err = send_packet(q, j, w, message);
	fd_close(&message);
	if (err)
		return err;
	if (j->message->attempts && j->kind != JOB_NOTICE)
		count(j->kind == JOB_COPY ? COUNTER_RETRY_DROP : COUNTER_RETRY_RELAY);
	pool_assign(w, j);
	j->message->loaded->out_count++;
	j->message->lock_tries = 0;
	loaded_close_file(&q->messages, j->message->loaded);
	return 0;
}
