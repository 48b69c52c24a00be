#include "queue/attempt/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "queue/attempt/queue.h"
#include "queue/attempt/resolve.h"
#include "queue/etrn/turned.h"
#include "queue/plan/trial.h"

enum { EACH_RCPT_MAX = ENVELOPE_RCPT_MAX, ROOM_LINES_MAX = 100 };

bool job_has(const struct job *j, size_t rcpt)
{
	return rcpt / 8 < j->bitmap_len && (j->bitmap[rcpt / 8] >> (rcpt % 8) & 1);
}

size_t job_first(const struct job *j)
{
	size_t rcpt = 0;
	while (rcpt + 1 < 8 * j->bitmap_len && !job_has(j, rcpt))
		rcpt++;
	return rcpt;
}

static struct job *job_new(struct queue *q, struct message *m, struct destination *d, enum job_kind kind)
{
	size_t octets = (m->whole->rcpt_count + 7) / 8;
	struct job *j = calloc(1, sizeof(*j) + octets);
	if (!j)
		return NULL;
	j->message = m;
	j->kind = kind;
	j->bitmap_len = octets;
	destination_ref(&q->destinations, &j->destination, d);
	TAILQ_INSERT_TAIL(&m->whole->jobs, j, of_message);
	m->whole->job_count++;
	TAILQ_INSERT_TAIL(&d->jobs, j, place);
	d->queued++;
	d->octets += m->size;
	pool_update_ring(queue_pool(q, d), d, q->mono_ms);
	resolve_ask(q, d);
	return j;
}

struct job *job_take(struct queue *q, struct message *m, struct destination *d, enum job_kind kind, size_t rcpt)
{
	size_t max = kind == JOB_SMTP ? JOB_RCPT_MAX : EACH_RCPT_MAX;
	struct job *j;
	/* The latest first: neighbours in an envelope often share their way. */
	TAILQ_FOREACH_REVERSE(j, &m->whole->jobs, job_list, of_message)
	{
		if (j->destination == d && j->kind == kind && !j->worker && j->rcpt_count < max)
			break;
	}
	if (!j)
		j = job_new(q, m, d, kind);
	if (!j)
		return NULL;
	j->bitmap[rcpt / 8] |= (unsigned char)(1 << rcpt % 8);
	j->rcpt_count++;
	return j;
}

/* What the notice J says of recipient RCPT. Delayed or open is the same: after a restart what is delayed is open. */
static unsigned told_of(const struct job *j, size_t rcpt)
{
	enum recipient_state state = j->message->whole->states[rcpt];
	if (!job_has(j, rcpt))
		return 0;
	return state == RECIPIENT_FAILED ? 1 : state == RECIPIENT_SUCCEEDED ? 2 : 3;
}

static uint64_t hash_notice(const struct job *j, uint64_t hash)
{
	const struct whole *w = j->message->whole;
	for (size_t i = 0; i < MSGID_LEN; i++)
		hash = (hash ^ (unsigned char)w->message->id[i]) * 1099511628211u;
	for (size_t i = 0; i < w->rcpt_count; i++)
		hash = (hash ^ told_of(j, i)) * 1099511628211u;
	return hash;
}

void job_notice_id(const struct job *j, char *to)
{
	uint64_t hashes[2] = {hash_notice(j, 14695981039346656037u), hash_notice(j, 1)};
	msgid_make(j->message->whole->notice_at_ms, (const unsigned char *)hashes, to);
}

static struct span bitmap_of(const struct job *j)
{
	bool all = j->rcpt_count == j->message->whole->rcpt_count;
	return (struct span){(const char *)j->bitmap, all ? 0 : j->bitmap_len};
}

/* The number of the descriptor, behind message and journal, that is the stream of a turned connection; 0 = it has been
 * given away, or is none. */
static size_t stream_place(const struct job *j)
{
	bool comes = turned_is(j->destination) && j->destination->turned->stream >= 0;
	return !comes ? 0 : j->message->in_cur ? 2 : 1;
}

static bool encode_smtp(struct queue *q, const struct job *j)
{
	struct destination *d = j->destination;
	struct trial trial;
	trial_order(&q->destinations, d, q->mono_ms, &q->text, &trial);
	int64_t max = queue_server(q)->messages.max_messages_per_connection;
	struct wire_job_smtp packet = {
		.id = span_of(j->message->id),
		.destination = span_of(d->key),
		.security = span_of(d->security),
		.credentials = span_of(d->credentials),
		.written = span_of(d->written ? d->written : ""),
		.hosts = trial.hosts,
		.found = trial.found,
		.generation = d->generation,
		.anew = trial.anew || (j->message->watched && !turned_is(j->destination)),
		.shown = j->message->watched,
		.rcpts = bitmap_of(j),
		.size = j->message->size,
		.eight_bit = j->message->eight_bit,
		.use_helo = d->use_helo,
		.helo = span_of(d->helo),
		.source = span_of(d->source),
		.masquerade = route_masquerade(queue_server(q), &j->message->whole->sender),
		.timeout_ms = (uint64_t)d->timeout_ms,
		.turned = turned_is(d),
		.stream = stream_place(j),
		.patient = d->gate && d->gate->max_connections != SIZE_MAX,
		.max_messages = max == CONFIG_NONE || turned_is(d) ? 0 : (uint64_t)max,
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
		.until_s = (uint64_t)(j->message->whole->notice_until_ms / 1000),
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

static void close_message(struct queue *q, struct whole *w)
{
	if (w->fd < 0)
		return;
	fd_close(&w->fd);
	q->fd_count--;
}

/* The message with a lock of this job's own: a descriptor or -errno. */
static int open_locked(struct queue *q, struct message *m)
{
	struct whole *w = m->whole;
	enum store_lock how = w->out_count ? STORE_SHARED : w->job_count > 1 ? STORE_ALONE_THEN_SHARED : STORE_ALONE;
	int fd = w->fd;
	if (fd >= 0) {
		w->fd = -1;
		q->fd_count--;
	} else {
		fd = store_open_message(&q->store, m);
	}
	if (fd < 0)
		return fd;
	int err = store_lock(fd, how);
	if (!err)
		return fd;
	fd_close(&fd);
	return err;
}

/*
 * The journal of M, with room for a line of each recipient; of many, who mostly share lines, for some. The first job
 * alone has the lock to itself.
 */
static int open_journal(struct queue *q, struct message *m)
{
	size_t lines = m->whole->rcpt_count < ROOM_LINES_MAX ? m->whole->rcpt_count : ROOM_LINES_MAX;
	return store_journal_open(&q->store, m, lines * JOURNAL_LINE_MAX, m->whole->out_count == 0);
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
		fds[n++] = j->destination->turned->stream;
	int err = ipc_send(w->fd, str_span(&q->packet), fds, n);
	fd_close(&journal);
	if (!err && stream)
		fd_close(&j->destination->turned->stream);
	return err == -EAGAIN || err == -ECONNRESET ? -EPIPE : err;
}

int job_send(struct queue *q, struct job *j, struct worker *w)
{
	int message = open_locked(q, j->message);
	if (message < 0)
		return message;
	int err = send_packet(q, j, w, message);
	fd_close(&message);
	if (err)
		return err;
	pool_assign(w, j);
	j->message->whole->out_count++;
	j->message->lock_tries = 0;
	q->jobs_out++;
	close_message(q, j->message->whole);
	return 0;
}

static void take_off_destination(struct queue *q, struct job *j)
{
	struct destination *d = j->destination;
	TAILQ_REMOVE(&d->jobs, j, place);
	d->queued--;
	pool_update_ring(queue_pool(q, d), d, q->mono_ms);
}

void job_end(struct queue *q, struct job *j, bool connected)
{
	struct whole *w = j->message->whole;
	if (j->worker) {
		pool_release(j->worker, j, connected, q->mono_ms);
		w->out_count--;
		q->jobs_out--;
		pool_update_ring(queue_pool(q, j->destination), j->destination, q->mono_ms);
	} else {
		take_off_destination(q, j);
	}
	TAILQ_REMOVE(&w->jobs, j, of_message);
	w->job_count--;
	j->destination->octets -= j->message->size;
	destination_ref(&q->destinations, &j->destination, NULL);
	free(j);
}

void jobs_cancel(struct queue *q, struct message *m)
{
	struct job *next;
	for (struct job *j = TAILQ_FIRST(&m->whole->jobs); j; j = next) {
		next = TAILQ_NEXT(j, of_message);
		if (!j->worker)
			job_end(q, j, false);
	}
}
