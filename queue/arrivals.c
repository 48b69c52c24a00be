#include "queue/arrivals.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/etrn/etrn_request.h"
#include "queue/links.h"
#include "queue/rules/schedule.h"

enum {
	ARRIVALS_AT_ONCE = 64,
	ARRIVED_MAX = 4096,
	SOON_MS = 5000 /* a packet that comes later has waited while there was no queue */
};

/* A scan has found M already. Now it is certain that M is on disk and that its writer has unlocked it. */
static void arrived_known(struct queue *q, struct message *m)
{
	m->unsynced = m->unsynced && m->in_cur;
	if (m->state != MESSAGE_LOCKED)
		return;
	m->lock_tries = 0;
	message_move(&q->messages, m, MESSAGE_FOUND);
}

void arrivals_take(struct queue *q, struct span text)
{
	struct msgname name;
	if (!msgname_parse(text, &name)) {
		log_warning("arrivals link: ignored a packet that names no message");
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
	m->arrived_ms = schedule_age(m->id, q->wall_ms) <= SOON_MS ? q->wall_ms : 0;
	message_move(&q->messages, m, MESSAGE_READY);
	if (queue_may_begin(q))
		attempt_begin(q, m);
}

/* The buffers of one recvmmsg. */
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

static void take_arrival(struct loop *l, struct span text, struct msghdr *header)
{
	struct ipc_packet packet = {.text = text};
	struct wire_arrived arrived;
	struct wire_look look;
	struct wire_credentials_ready ready;
	ipc_packet_fds(header, &packet);
	bool cut = header->msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	bool good = !cut && wire_admit(WIRE_LINK_arrivals, WIRE_UP, text);
	if (good && wire_decode_arrived(text, &arrived))
		arrivals_take(&l->queue, arrived.name);
	else if (good && wire_decode_look(text, &look))
		scan_request(&l->scan);
	else if (good && wire_decode_credentials_ready(text, &ready))
		links_credentials(&l->queue, ready.security);
	else if (good && etrn_request_receive(&l->etrn, text, packet.fds, packet.fd_count))
		;
	else if (text.len)
		log_warning("arrivals link: ignored an invalid packet");
	ipc_packet_close(&packet);
}

bool arrivals_receive(struct loop *l)
{
	struct arrivals a;
	prepare(&a);
	int n = recvmmsg(l->arrivals, a.messages, ARRIVALS_AT_ONCE, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		log_fatal(EXIT_TEMPORARY, "can't read the arrivals: %s", strerror(errno));
	queue_clock(&l->queue);
	for (int i = 0; i < n; i++)
		take_arrival(l, (struct span){a.packets[i], a.messages[i].msg_len}, &a.messages[i].msg_hdr);
	return n == ARRIVALS_AT_ONCE && a.messages[n - 1].msg_len;
}
