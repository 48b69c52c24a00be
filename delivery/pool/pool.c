#include "delivery/pool/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"

enum {
	JOB_LINK_BUFFER = 64 * 1024, /* one job of the largest kind, and one more */
	POOL_SEND_MS = 5000
};

struct pool {
	struct pool_setup setup;
	struct prefork *prefork;
	int link;        /* to the queue; -1 = none */
	uint64_t serial; /* of the link */
	int ends[2];     /* the job link of the worker that is being forked: the queue's end, and the worker's */
	uint32_t number; /* of that worker */
	bool stopping;
	char packet[WIRE_PACKET_MAX];
};

static bool prepare(void *context, size_t slot)
{
	struct pool *p = context;
	(void)slot;
	if (p->link < 0)
		return false;
	int err = ipc_pair(p->ends, JOB_LINK_BUFFER);
	if (err)
		log_error("can't make a job link: %s", strerror(-err));
	p->number++;
	return !err;
}

static void lose_link(struct pool *p)
{
	fd_close(&p->link);
	prefork_want(p->prefork, p->setup.spare);
}

/* The link is closed: master makes another if there is a queue. WHY NULL = the queue closed it. */
static void break_link(struct pool *p, const char *why)
{
	if (why)
		log_warning("link to the queue closed: %s", why);
	lose_link(p);
	if (!p->stopping)
		child_detached(CHILD_FD_CONTROL, p->setup.kind, p->serial);
}

static void forked(void *context, size_t slot, pid_t pid)
{
	struct pool *p = context;
	struct wire_worker worker = {p->number};
	struct str packet;
	(void)slot;
	str_init(&packet, 64);
	int err = wire_encode_worker(&worker, &packet) ? 0 : -EMSGSIZE;
	if (!err && pid > 0 && p->link >= 0)
		err = ipc_send(p->link, str_span(&packet), &p->ends[0], 1);
	if (err)
		break_link(p, err == -EPIPE || err == -ECONNRESET ? NULL : strerror(-err));
	str_free(&packet);
	fd_close(&p->ends[0]);
	fd_close(&p->ends[1]);
}

static int work(void *context, size_t slot)
{
	struct pool *p = context;
	int control = CHILD_FD_CONTROL;
	fd_close(&p->ends[0]);
	fd_close(&p->link);
	fd_close(&control);
	const struct worker worker = {.child = p->setup.child,
				      .prefork = p->prefork,
				      .slot = slot,
				      .number = p->number,
				      .job_link = p->ends[1],
				      .jobs = p->setup.jobs};
	return p->setup.work(&worker, p->setup.context);
}

static void stop(struct pool *p, bool now)
{
	if (p->stopping && !now)
		return;
	p->stopping = true;
	prefork_resize(p->prefork, 0, 0);
	prefork_signal(p->prefork, now ? SIGKILL : SIGTERM);
}

/* Idle workers end at once, others after their job; new ones have the new configuration and the new lists. */
static void renew_workers(struct pool *p)
{
	prefork_signal(p->prefork, SIGUSR1);
}

static void hear(struct pool *p, const struct ipc_packet *packet)
{
	if (p->setup.hear && p->setup.hear(p->setup.lists, p->setup.child->server, packet))
		renew_workers(p);
}

static void reload(struct pool *p, struct ipc_packet *packet)
{
	if (packet->fd_count != 1)
		return;
	int fd = packet->fds[0];
	packet->fds[0] = -1;
	if (!child_reconfigure(p->setup.child, fd)) {
		log_error("can't read the new configuration; the old one stays in force");
		return;
	}
	hear(p, packet);
	renew_workers(p);
}

static void attach(struct pool *p, struct ipc_packet *packet)
{
	struct wire_attach attach;
	if (!wire_decode_attach(packet->text, &attach) || attach.kind != p->setup.kind || packet->fd_count != 1)
		return;
	lose_link(p);
	p->link = packet->fds[0];
	p->serial = attach.serial;
	packet->fds[0] = -1;
	ipc_set_send_deadline(p->link, POOL_SEND_MS);
}

static void on_control(struct pool *p)
{
	struct ipc_packet packet;
	struct wire_stop wire;
	int err = ipc_receive(CHILD_FD_CONTROL, p->packet, sizeof(p->packet), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	if (err || packet.eof) {
		stop(p, false);
		return;
	}
	switch (wire_admit(child_role_control(p->setup.child->role), WIRE_DOWN, packet.text)) {
	case WIRE_attach:
		attach(p, &packet);
		break;
	case WIRE_reload:
		reload(p, &packet);
		break;
	case WIRE_recipients:
		hear(p, &packet);
		break;
	case WIRE_stop:
		stop(p, wire_decode_stop(packet.text, &wire) && wire.now);
		break;
	case WIRE_ping:
		child_pong(CHILD_FD_CONTROL);
		break;
	default:
		log_warning("unexpected packet from master: %s", wire_type_name(wire_type_of(packet.text)));
	}
	ipc_packet_close(&packet);
}

static void want(struct pool *p, uint64_t count)
{
	size_t workers = count < p->setup.max ? (size_t)count : p->setup.max;
	prefork_want(p->prefork, workers > p->setup.spare ? workers : p->setup.spare);
}

/* The queue is as trusted as this process; still, an invalid packet closes the link. */
static void on_link(struct pool *p)
{
	struct ipc_packet packet;
	struct wire_want_workers wire;
	int err = ipc_receive(p->link, p->packet, sizeof(p->packet), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	if (!err && wire_admit(WIRE_LINK_pool, WIRE_DOWN, packet.text) && wire_decode_want_workers(packet.text, &wire))
		want(p, wire.count);
	else
		break_link(p, err ? strerror(-err) : packet.eof ? NULL : "the queue sent an invalid packet");
	if (!err)
		ipc_packet_close(&packet);
}

static bool finished(const struct pool *p)
{
	return p->stopping && prefork_count(p->prefork) == 0;
}

/* Milliseconds until the next task; -1 = none. */
static int tend(struct pool *p)
{
	int wait = prefork_tend(p->prefork);
	if (!p->setup.look)
		return wait;
	p->setup.look();
	return wait < 0 || wait > POOL_LOOK_MS ? POOL_LOOK_MS : wait;
}

static void loop(struct pool *p)
{
	int wait = tend(p);
	while (!finished(p)) {
		struct pollfd fds[] = {{.fd = p->stopping ? -1 : CHILD_FD_CONTROL, .events = POLLIN},
				       {.fd = p->link, .events = POLLIN},
				       {.fd = prefork_fd(p->prefork), .events = POLLIN}};
		if (poll(fds, 3, wait) < 0 && errno != EINTR)
			log_fatal(EXIT_TEMPORARY, "poll: %s", strerror(errno));
		if (fds[0].revents)
			on_control(p);
		if (fds[1].revents && p->link >= 0)
			on_link(p);
		wait = tend(p);
	}
}

int pool_run(const struct pool_setup *setup)
{
	const struct prefork_ops ops = {
		.prepare = prepare, .forked = forked, .work = work, .may_fork = setup->may_fork};
	struct pool *p = calloc(1, sizeof(*p));
	if (!p)
		log_fatal(EXIT_TEMPORARY, "no memory for the pool");
	p->setup = *setup;
	p->link = p->ends[0] = p->ends[1] = -1;
	p->prefork = prefork_new(&ops, p, setup->spare, setup->max, PREFORK_SURPLUS_MS);
	if (!p->prefork)
		log_fatal(EXIT_TEMPORARY, "can't make the pool: %s", strerror(errno));
	prefork_want(p->prefork, setup->spare);
	loop(p);
	prefork_free(p->prefork);
	fd_close(&p->link);
	free(p);
	return 0;
}
