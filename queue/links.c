#include "queue/links.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/verdicts.h"
#include "queue/model/job.h"
#include "queue/model/waiting.h"

/* WHY NULL: the parent has ended, which master logs. */
static void drop_pool_link(struct queue *q, struct pool *p, const char *why)
{
	if (why)
		log_warning("link to the parent of the %s pool closed: %s", p == &q->local ? "local" : "delivery", why);
	fd_close(&p->link);
}

/* One message tries D, if it is down; when it gets through, the others follow. */
static void retry(struct queue *q, struct destination *d)
{
	struct message *m = TAILQ_FIRST(&d->waiting);
	if (!d->down_ms || destination_is_local(d))
		return;
	destination_retry(d, q->mono_ms);
	pool_update_ring(&q->delivery, d, q->mono_ms);
	if (m && !d->queued)
		waiting_hurry(&q->messages, m);
}

/* New SMTP clients have read passwords and certificates again. */
static void retry_all(struct queue *q)
{
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		next = d->hh.next;
		retry(q, d);
	}
}

static bool authenticates_as(const struct destination *d, struct span block)
{
	return block.len && span_equal(span_of(d->credentials), block);
}

static void outdate_jobs(const struct pool *p, struct span block)
{
	struct worker *w;
	struct job *j;
	TAILQ_FOREACH(w, &p->busy, place)
	TAILQ_FOREACH(j, &w->jobs, place)
	j->outdated |= authenticates_as(j->destination, block);
}

void links_credentials(struct queue *q, struct span block)
{
	outdate_jobs(&q->delivery, block);
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		next = d->hh.next;
		if (authenticates_as(d, block))
			retry(q, d);
	}
}

void links_attach(struct queue *q, struct pool *p, int fd)
{
	fd_close(&p->link);
	p->link = fd;
	p->asked = 0;
	if (p != &q->delivery)
		return;
	while (q->messages.all_known && !verdicts_receive(q))
		; /* the last verdicts of the previous clients */
	retry_all(q);
}

void links_detach(struct pool *p)
{
	fd_close(&p->link);
	pool_dismiss(p);
}

bool links_pool(struct queue *q, struct pool *p, struct worker **added)
{
	struct ipc_packet packet;
	struct wire_worker worker;
	*added = NULL;
	int err = ipc_receive(p->link, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return false;
	if (err || packet.eof) {
		drop_pool_link(q, p, err ? strerror(-err) : NULL);
		return false;
	}
	bool good = wire_admit(WIRE_LINK_pool, WIRE_UP, packet.text) && wire_decode_worker(packet.text, &worker);
	if (!good || packet.fd_count != 1) {
		ipc_packet_close(&packet);
		drop_pool_link(q, p, "it sent an invalid packet");
		return false;
	}
	int fd = packet.fds[0];
	packet.fds[0] = -1;
	fd_set_nonblock(fd, true);
	*added = pool_add(p, (uint32_t)worker.worker, fd, q->mono_ms);
	return true;
}

bool links_worker(struct queue *q, struct worker *w)
{
	struct ipc_packet packet;
	struct wire_idle idle;
	int err;
	while ((err = ipc_receive(w->fd, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet)) == 0) {
		bool ok = packet.fd_count == 0 && wire_admit(WIRE_LINK_job_delivery, WIRE_UP, packet.text) &&
			  wire_decode_idle(packet.text, &idle); /* workers of both pools say no more than that */
		ipc_packet_close(&packet);
		if (!ok)
			break;
		pool_disconnected(w);
	}
	if (err == -EAGAIN)
		return true;
	verdicts_worker_gone(q, w);
	return false;
}

static void send_want(struct queue *q, struct pool *p, size_t count)
{
	const struct wire_want_workers want = {.count = count};
	str_clear(&q->packet);
	int err = wire_encode_want_workers(&want, &q->packet) ? ipc_send(p->link, str_span(&q->packet), NULL, 0)
							      : -ENOMEM;
	if (err && err != -EAGAIN)
		drop_pool_link(q, p, strerror(-err));
	else if (!err)
		p->asked = count;
}

void links_want(struct queue *q, struct pool *p)
{
	size_t wanted = pool_wanted(p);
	if (p->link >= 0 && wanted > p->asked)
		send_want(q, p, wanted);
}

void links_retire(struct queue *q, struct pool *p)
{
	struct worker *w;
	while ((w = pool_surplus(p, q->mono_ms))) {
		/* The parent must know first, or it would start another worker. */
		if (p->link >= 0)
			send_want(q, p, pool_count(p) - 1);
		pool_remove(w);
	}
}
