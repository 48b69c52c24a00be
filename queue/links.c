#include "queue/links.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/settle.h"
#include "queue/attempt/verdicts.h"
#include "queue/etrn/asked.h"

enum {
	ARRIVALS_AT_ONCE = 64,
	ARRIVED_MAX = 4096,
	LOCAL_SPARE = 1, /* copies and notices are few, and more of them at once don't make a disk faster */
	LOCAL_MAX = 16
};

/* It is known: a scan was faster. But now it is sure that its writer vouches for it and lets go. */
static void arrived_known(struct queue *q, struct message *m)
{
	m->unsynced = m->unsynced && m->in_cur;
	if (m->state != MESSAGE_LOCKED)
		return;
	m->lock_tries = 0;
	message_move(&q->messages, m, MESSAGE_FOUND);
}

void links_arrived(struct queue *q, struct span text)
{
	struct msgname name;
	if (!msgname_parse(text, &name)) {
		log_warning("arrivals link: a packet that names no message was ignored");
		return;
	}
	struct message *m = message_find(&q->messages, name.id);
	if (m) {
		arrived_known(q, m);
		return;
	}
	m = message_add(&q->messages, &name);
	if (!m)
		return; /* the next scan finds it */
	m->has_file = true;
	message_move(&q->messages, m, MESSAGE_READY);
	if (attempt_may_begin(q))
		attempt_begin(q, m);
}

/* Packets of the arrivals link as they come in. */
struct arrivals {
	char packets[ARRIVALS_AT_ONCE][ARRIVED_MAX];
	struct iovec octets[ARRIVALS_AT_ONCE];
	union ipc_control controls[ARRIVALS_AT_ONCE];
	struct mmsghdr messages[ARRIVALS_AT_ONCE];
};

static void prepare(struct arrivals *a)
{
	static const struct mmsghdr empty;
	for (size_t i = 0; i < ARRIVALS_AT_ONCE; i++) {
		a->octets[i] = (struct iovec){a->packets[i], ARRIVED_MAX};
		a->messages[i] = empty;
		a->messages[i].msg_hdr.msg_iov = &a->octets[i];
		a->messages[i].msg_hdr.msg_iovlen = 1;
		a->messages[i].msg_hdr.msg_control = &a->controls[i];
		a->messages[i].msg_hdr.msg_controllen = sizeof(a->controls[i]);
	}
}

static void take_arrival(struct queue *q, struct span text, struct msghdr *header)
{
	struct ipc_packet packet = {.text = text};
	struct wire_arrived arrived;
	struct wire_look look;
	ipc_packet_fds(header, &packet);
	bool cut = header->msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	if (!cut && wire_decode_arrived(text, &arrived))
		links_arrived(q, arrived.name);
	else if (!cut && wire_decode_look(text, &look))
		scan_request(q);
	else if (!cut && asked_receive(q, text, packet.fds, packet.fd_count))
		;
	else if (text.len)
		log_warning("arrivals link: a packet that is no arrival was ignored");
	ipc_packet_close(&packet);
}

bool links_arrivals(struct queue *q)
{
	struct arrivals a;
	prepare(&a);
	int n = recvmmsg(q->arrivals, a.messages, ARRIVALS_AT_ONCE, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		log_fatal(EXIT_TEMPORARY, "can't read the arrivals: %s", strerror(errno));
	queue_clock(q);
	for (int i = 0; i < n; i++)
		take_arrival(q, (struct span){a.packets[i], a.messages[i].msg_len}, &a.messages[i].msg_hdr);
	return n == ARRIVALS_AT_ONCE && a.messages[n - 1].msg_len;
}

/* WHY NULL: the parent is gone, of which master tells. */
static void drop_pool_link(struct queue *q, struct pool *p, const char *why)
{
	if (why)
		log_warning("link to the parent of the %s pool closed: %s", p == &q->local ? "local" : "delivery", why);
	fd_close(&p->link);
}

/* New SMTP clients have read passwords and certificates anew: one message tries what was down, and calls the others. */
static void retry_all(struct queue *q)
{
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		struct message *m = TAILQ_FIRST(&d->waiting);
		next = d->hh.next;
		if (!d->down_ms || destination_is_local(d))
			continue;
		destination_retry(d, q->mono_ms);
		pool_update_ring(&q->delivery, d, q->mono_ms);
		if (m && !d->queued)
			settle_hurry(q, m);
	}
}

void links_attach(struct queue *q, struct pool *p, int fd)
{
	fd_close(&p->link);
	p->link = fd;
	p->asked = 0;
	if (p != &q->delivery)
		return;
	while (q->scan.listed && !verdicts_receive(q))
		; /* the last words of the clients before */
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
	if (!wire_decode_worker(packet.text, &worker) || packet.fd_count != 1) {
		ipc_packet_close(&packet);
		drop_pool_link(q, p, "it sent what is no worker");
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
		bool ok = !packet.eof && packet.fd_count == 0 && wire_decode_idle(packet.text, &idle);
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
		/* Its parent must know first, or it would fork another. */
		if (p->link >= 0)
			send_want(q, p, pool_count(p) - 1);
		pool_remove(w);
	}
}

void links_resize(struct queue *q)
{
	const struct config_delivery *delivery = &queue_server(q)->delivery;
	int64_t max = delivery->processes.max, connections = delivery->max_outbound_connections;
	pool_resize(&q->delivery, (size_t)delivery->processes.spare, (size_t)(max < connections ? max : connections));
	pool_resize(&q->local, LOCAL_SPARE, LOCAL_MAX);
}
