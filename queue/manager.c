#include "queue/manager.h"

#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/arrivals.h"
#include "queue/attempt/resolve.h"
#include "queue/attempt/resolved.h"
#include "queue/attempt/verdicts.h"
#include "queue/links.h"
#include "queue/operator/console.h"
#include "queue/reload.h"

enum { STOP_MS = 10 * 1000, WAIT_MAX_MS = 60 * 1000, PACKETS_AT_ONCE = 64 };

/* A link that may close and come back: the event that watches it, and the descriptor of this event. */
struct watch {
	struct event *event;
	int fd;
	short what;
};

struct manager {
	struct loop *loop;
	struct queue *queue; /* of the loop */
	struct event_base *base;
	struct event *turn;
	struct watch arrivals, verdicts, controls, resolver, delivery, local;
	int control;
	uint64_t attached[CHILD_LINK_CTL]; /* by enum child_link: serial of the attached link; 0 = none, or master knows
					    */
	struct watch ctls[CONSOLE_LINKS_MAX];
	int64_t stop_by; /* 0 = not stopping */
};

/* Any number of events cause one turn after them, before the loop waits again. */
static void turn_soon(struct manager *g)
{
	event_active(g->turn, EV_TIMEOUT, 0);
}

/*
 * Makes W watch FD for the events WHAT; FD -1 or WHAT 0 = nothing. The module that sees a link fail closes it; the
 * watch follows.
 */
static void follow(struct manager *g, struct watch *w, int fd, short what, event_callback_fn callback, void *context)
{
	if (fd < 0)
		what = 0;
	if (w->event && w->fd == fd && w->what == what)
		return;
	if (w->event)
		event_free(w->event);
	w->event = what ? event_new(g->base, fd, (short)(what | EV_PERSIST), callback, context) : NULL;
	w->fd = fd;
	w->what = what;
	if (what && (!w->event || event_add(w->event, NULL) < 0))
		log_fatal(EXIT_TEMPORARY, "can't watch a link");
}

static void follow_links(struct manager *g);

static void on_arrivals(int fd, short what, void *context)
{
	struct manager *g = context;
	(void)fd, (void)what;
	arrivals_receive(g->loop);
	turn_soon(g);
}

static void on_verdicts(int fd, short what, void *context)
{
	struct manager *g = context;
	(void)fd, (void)what;
	queue_clock(g->queue);
	verdicts_receive(g->queue);
	turn_soon(g);
}

static void on_resolver(int fd, short what, void *context)
{
	struct manager *g = context;
	(void)fd, (void)what;
	queue_clock(g->queue);
	resolved_receive(g->queue);
	follow_links(g);
	turn_soon(g);
}

static void on_worker(int fd, short what, void *context)
{
	struct worker *w = context;
	(void)fd, (void)what;
	struct manager *g = w->pool->owner;
	queue_clock(g->queue);
	links_worker(g->queue, w); /* may free W */
	turn_soon(g);
}

static void read_pool(struct manager *g, struct pool *p)
{
	struct worker *added;
	queue_clock(g->queue);
	for (int i = 0; i < PACKETS_AT_ONCE && links_pool(g->queue, p, &added); i++) {
		struct event *event =
			added ? event_new(g->base, added->fd, EV_READ | EV_PERSIST, on_worker, added) : NULL;
		if (!event || event_add(event, NULL) < 0)
			log_fatal(EXIT_TEMPORARY, "can't watch a worker");
		added->watch = event;
	}
	follow_links(g);
	turn_soon(g);
}

static void on_delivery(int fd, short what, void *context)
{
	struct manager *g = context;
	(void)fd, (void)what;
	read_pool(g, &g->queue->delivery);
}

static void on_local(int fd, short what, void *context)
{
	struct manager *g = context;
	(void)fd, (void)what;
	read_pool(g, &g->queue->local);
}

static void on_ctl(int fd, short what, void *context)
{
	struct manager *g = context;
	(void)what;
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++) {
		struct ctl *c = g->loop->console.ctls[i];
		if (c && console_fd(c) == fd && (what & EV_READ))
			console_receive(&g->loop->console, c);
	}
	follow_links(g);
	turn_soon(g);
}

static void detach(struct manager *g, enum child_link kind)
{
	struct queue *q = g->queue;
	if (kind == CHILD_LINK_DELIVERY)
		links_detach(&q->delivery);
	else if (kind == CHILD_LINK_LOCAL)
		links_detach(&q->local);
	else if (kind == CHILD_LINK_RESOLVER)
		fd_close(&q->resolver);
	if (kind < CHILD_LINK_CTL)
		g->attached[kind] = 0; /* master knows */
}

static void attach(struct manager *g, enum child_link kind, uint64_t serial, int fd)
{
	struct queue *q = g->queue;
	fd_set_nonblock(fd, true);
	if (kind < CHILD_LINK_CTL)
		g->attached[kind] = serial;
	switch (kind) {
	case CHILD_LINK_DELIVERY:
		links_attach(q, &q->delivery, fd);
		break;
	case CHILD_LINK_LOCAL:
		links_attach(q, &q->local, fd);
		break;
	case CHILD_LINK_RESOLVER:
		resolve_attach(q, fd);
		break;
	case CHILD_LINK_CTL:
	case CHILD_LINK_STATUS:
		if (!console_attach(&g->loop->console, fd,
				    kind == CHILD_LINK_CTL ? WIRE_LINK_ctl_queue : WIRE_LINK_status_queue))
			log_warning("too many links to mailrootctl: refused one more");
		break;
	default:
		fd_close(&fd);
	}
}

/* A second order may hurry. */
static void stop(struct manager *g, bool now)
{
	struct queue *q = g->queue;
	if (g->stop_by && now)
		g->stop_by = q->mono_ms;
	if (g->stop_by)
		return;
	q->stopping = true;
	g->stop_by = q->mono_ms + (now ? 0 : STOP_MS);
	log_info("stopping; %zu jobs are at workers", queue_jobs_out(q));
}

/* Does what one PACKET of master says, and takes its descriptor out if it is used. */
static void obey(struct manager *g, struct ipc_packet *packet)
{
	struct wire_attach attached;
	struct wire_detach detached;
	struct wire_reload reload;
	struct wire_stop stopped;
	if (!wire_admit(WIRE_LINK_control_queue, WIRE_DOWN, packet->text))
		return;
	if (wire_decode_stop(packet->text, &stopped)) {
		stop(g, stopped.now);
		return;
	}
	if (wire_decode_detach(packet->text, &detached)) {
		detach(g, (enum child_link)detached.kind);
		return;
	}
	if (wire_type_of(packet->text) == WIRE_ping) {
		child_pong(g->control);
		return;
	}
	if (packet->fd_count != 1)
		return;
	int fd = packet->fds[0];
	if (wire_decode_attach(packet->text, &attached)) {
		packet->fds[0] = -1;
		attach(g, (enum child_link)attached.kind, attached.serial, fd);
	} else if (wire_decode_reload(packet->text, &reload)) {
		packet->fds[0] = -1;
		reload_take(g->queue, fd);
	}
}

static void on_control(int fd, short what, void *context)
{
	struct manager *g = context;
	struct ipc_packet packet;
	(void)what;
	queue_clock(g->queue);
	for (int i = 0; i < PACKETS_AT_ONCE; i++) {
		int err = ipc_receive(fd, g->queue->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
		if (err == -EAGAIN)
			break;
		if (err || packet.eof) {
			stop(g, false);
			event_del(g->controls.event);
			break;
		}
		obey(g, &packet);
		ipc_packet_close(&packet);
		/* Remove the old watch before a new link can get the same number. */
		follow_links(g);
	}
	turn_soon(g);
}

/* The kernel sends this signal when master dies. The results of running jobs must still be recorded. */
static void on_term(int signo, short what, void *context)
{
	struct manager *g = context;
	(void)signo, (void)what;
	queue_clock(g->queue);
	stop(g, false);
	turn_soon(g);
}

/* Tells master that the link was closed; master makes another one if the other process still runs. */
static void tell_lost(struct manager *g, enum child_link kind, int fd)
{
	if (fd >= 0 || !g->attached[kind] || g->stop_by)
		return;
	child_detached(g->control, kind, g->attached[kind]);
	g->attached[kind] = 0;
}

/* Arrivals and verdicts wait in their links until the spool was listed once; a stopping queue takes no arrivals. */
static void follow_links(struct manager *g)
{
	struct queue *q = g->queue;
	short reading = q->messages.all_known ? EV_READ : 0;
	follow(g, &g->arrivals, g->loop->arrivals, q->stopping ? 0 : reading, on_arrivals, g);
	follow(g, &g->verdicts, q->verdicts, reading, on_verdicts, g);
	follow(g, &g->resolver, q->resolver, EV_READ, on_resolver, g);
	follow(g, &g->delivery, q->delivery.link, EV_READ, on_delivery, g);
	follow(g, &g->local, q->local.link, EV_READ, on_local, g);
	tell_lost(g, CHILD_LINK_RESOLVER, q->resolver);
	tell_lost(g, CHILD_LINK_DELIVERY, q->delivery.link);
	tell_lost(g, CHILD_LINK_LOCAL, q->local.link);
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++) {
		struct ctl *c = g->loop->console.ctls[i];
		short what = c && console_wants_write(c) ? EV_READ | EV_WRITE : EV_READ;
		follow(g, &g->ctls[i], c ? console_fd(c) : -1, what, on_ctl, g);
	}
}

static void on_turn(int fd, short what, void *context)
{
	struct manager *g = context;
	struct queue *q = g->queue;
	(void)fd, (void)what;
	int64_t wait = loop_turn(g->loop);
	follow_links(g);
	if (g->stop_by && (!queue_jobs_out(q) || q->mono_ms >= g->stop_by)) {
		event_base_loopbreak(g->base);
		return;
	}
	if (wait > WAIT_MAX_MS)
		wait = WAIT_MAX_MS;
	const struct timeval after = {wait / 1000, wait % 1000 * 1000};
	event_add(g->turn, &after);
}

static void unwatch(void *event)
{
	event_free(event);
}

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;
	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

int manager_run(struct loop *l, int control)
{
	struct queue *q = &l->queue;
	struct manager g = {.loop = l, .queue = q, .control = control, .base = make_base()};
	g.turn = g.base ? event_new(g.base, -1, 0, on_turn, &g) : NULL;
	struct event *term = g.base ? evsignal_new(g.base, SIGTERM, on_term, &g) : NULL;
	if (!g.turn || !term || event_add(term, NULL) < 0)
		log_fatal(EXIT_TEMPORARY, "can't make an event loop");
	q->delivery.owner = q->local.owner = &g;
	q->delivery.unwatch = q->local.unwatch = unwatch;
	follow(&g, &g.controls, control, EV_READ, on_control, &g);
	follow_links(&g);
	turn_soon(&g);
	event_base_dispatch(g.base);
	log_info("stopped; %zu messages are in the spool", messages_count(&q->messages));
	/* The end of the process closes the links and the locks. */
	return 0;
}
