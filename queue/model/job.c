#include "queue/model/job.h"

#include <stdlib.h>

#include "common/base/hash.h"
#include "queue/model/loaded.h"

enum { EACH_RCPT_MAX = ENVELOPE_RCPT_MAX };

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

static struct job *job_new(struct pool *p, struct message *m, struct destination *d, enum job_kind kind, int64_t now_ms)
{
	size_t octets = (m->loaded->rcpt_count + 7) / 8;
	struct job *j = calloc(1, sizeof(*j) + octets);
	if (!j)
		return NULL;
	j->message = m;
	j->pool = p;
	j->kind = kind;
	j->bitmap_len = octets;
	destination_ref(p->destinations, &j->destination, d);
	TAILQ_INSERT_TAIL(&m->loaded->jobs, j, of_message);
	m->loaded->job_count++;
	TAILQ_INSERT_TAIL(&d->jobs, j, place);
	d->queued++;
	d->octets += m->size;
	pool_update_ring(p, d, now_ms);
	return j;
}

struct job *job_take(struct pool *p, struct message *m, struct destination *d, enum job_kind kind, size_t rcpt,
		     int64_t now_ms)
{
	size_t max = kind == JOB_SMTP ? JOB_RCPT_MAX : EACH_RCPT_MAX;
	struct job *j;
	/* The latest job first: neighbours in an envelope often have the same next hop. */
	TAILQ_FOREACH_REVERSE(j, &m->loaded->jobs, job_list, of_message)
	{
		if (j->destination == d && j->kind == kind && !j->worker && j->rcpt_count < max)
			break;
	}
	if (!j)
		j = job_new(p, m, d, kind, now_ms);
	if (!j)
		return NULL;
	j->bitmap[rcpt / 8] |= (unsigned char)(1 << rcpt % 8);
	j->rcpt_count++;
	return j;
}

/*
 * What the notice of J tells about recipient RCPT. Delayed and open are the same: after a restart, delayed recipients
 * are open.
 */
static unsigned char notice_tells(const struct job *j, size_t rcpt)
{
	enum recipient_state state = j->message->loaded->states[rcpt];
	if (!job_has(j, rcpt))
		return 0;
	return state == RECIPIENT_FAILED ? 1 : state == RECIPIENT_SUCCEEDED ? 2 : 3;
}

static uint64_t hash_notice(const struct job *j, uint64_t hash)
{
	const struct loaded *w = j->message->loaded;
	hash = hash_span(hash, span_of(w->message->id));
	for (size_t i = 0; i < w->rcpt_count; i++)
		hash = hash_octet(hash, notice_tells(j, i));
	return hash;
}

void job_notice_id(const struct job *j, char *to)
{
	uint64_t hashes[2] = {hash_notice(j, HASH_START), hash_notice(j, 1)};
	msgid_make(j->message->loaded->notice_at_ms, (const unsigned char *)hashes, to);
}

static void take_off_destination(struct job *j, int64_t now_ms)
{
	struct destination *d = j->destination;
	TAILQ_REMOVE(&d->jobs, j, place);
	d->queued--;
	pool_update_ring(j->pool, d, now_ms);
}

void job_end(struct job *j, bool connected, int64_t now_ms)
{
	struct loaded *w = j->message->loaded;
	if (j->worker) {
		pool_release(j->worker, j, connected, now_ms);
		w->out_count--;
		pool_update_ring(j->pool, j->destination, now_ms);
	} else {
		take_off_destination(j, now_ms);
	}
	TAILQ_REMOVE(&w->jobs, j, of_message);
	w->job_count--;
	j->destination->octets -= j->message->size;
	destination_ref(j->pool->destinations, &j->destination, NULL);
	free(j);
}

void job_cancel_all(struct message *m, int64_t now_ms)
{
	struct job *next;
	for (struct job *j = TAILQ_FIRST(&m->loaded->jobs); j; j = next) {
		next = TAILQ_NEXT(j, of_message);
		if (!j->worker)
			job_end(j, false, now_ms);
	}
}
