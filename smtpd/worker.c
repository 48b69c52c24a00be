#include "smtpd/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "common/net/net.h"
#include "common/process/child.h"
#include "smtpd/accept/store_spool.h"
#include "smtpd/admit.h"
#include "smtpd/health.h"
#include "smtpd/milter/dial.h"
#include "smtpd/pause.h"
#include "smtpd/proxy/proxied.h"
#include "smtpd/serve.h"

struct worker {
	struct worker_context *context;
	size_t slot;
	int epoll_fd;
	int64_t jobs; /* sessions left to serve */
	struct store_spool spool;
	struct store store;
	struct record_writer records;
	struct names names;
	struct lists lists;
	struct etrn etrn;
	struct filter_services filters;
	bool counted; /* gateway.h has counted the session */
};

/*
 * State that the signal handlers reach. The eventfd wakes a worker that waits for a connection, however close the race.
 */
static struct {
	struct serve_stop serve; /* of the session in hand */
	volatile sig_atomic_t stop, retire;
	int wake_fd;
	const struct scoreboard *board;
	size_t slot;
} told;

static void wake(void)
{
	uint64_t one = 1;
	int keep = errno;
	if (write(told.wake_fd, &one, sizeof(one)) < 0)
		told.retire = 1;
	errno = keep;
}

static void end_session(void)
{
	int keep = errno;
	told.serve.stop = 1;
	if (told.serve.waiting_fd != -1)
		shutdown(told.serve.waiting_fd, SHUT_RD);
	errno = keep;
}

static void on_stop(int signo)
{
	(void)signo;
	told.stop = told.retire = 1;
	end_session();
	wake();
}

static void on_end(int signo)
{
	(void)signo;
	bool revoked = told.serve.waiting_fd != -1 && told.serve.session && session_revoked(told.serve.session);
	if (revoked || scoreboard_must_end(told.board, told.slot))
		end_session();
}

static void on_retire(int signo)
{
	(void)signo;
	told.retire = 1;
	wake();
}

static void listen_to_signals(const struct worker *w)
{
	struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
	struct sigaction retire = {.sa_handler = on_retire, .sa_flags = SA_RESTART};
	struct sigaction end = {.sa_handler = on_end, .sa_flags = SA_RESTART};
	told.board = prefork_scoreboard(w->context->pool);
	told.slot = w->slot;
	told.serve.waiting_fd = -1;
	told.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &retire, NULL);
	sigaction(SIGUSR2, &end, NULL);
}

/* EPOLLEXCLUSIVE: one connection wakes one worker. */
static bool watch(struct worker *w)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = -1};
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	bool ok = w->epoll_fd != -1 && epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, told.wake_fd, &event) == 0;
	event.events = EPOLLIN | EPOLLEXCLUSIVE;
	for (size_t i = 0; ok && i < w->context->listener_count; i++) {
		event.data.fd = w->context->listeners[i];
		ok = epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) == 0;
	}
	if (!ok)
		log_error("can't wait for connections: %s", strerror(errno));
	return ok;
}

static void tell_progress(void *context, const struct session *session)
{
	struct worker *w = context;
	struct scoreboard *board = prefork_scoreboard(w->context->pool);
	if (!w->counted && session->state != SESSION_START) {
		w->counted = true;
		gateway_count(w->context->gateway, w->slot, &session->client.ip, span_of(session->helo));
	}
	if (session->state == SESSION_READY)
		scoreboard_name(board, w->slot, span_of(session->helo));
	scoreboard_progress(board, w->slot, session->state, session->messages, clock_wall_ms());
}

/*
 * A stop that was meant for the connection that is over does not apply to the next one; a stop of the whole worker
 * remains.
 */
static void connection_over(struct worker *w)
{
	told.serve.stop = 0;
	if (told.stop)
		told.serve.stop = 1;
	prefork_idle(w->context->pool, w->slot);
}

static void session_over(struct worker *w)
{
	scoreboard_served(prefork_scoreboard(w->context->pool), w->slot);
	connection_over(w);
	w->jobs--;
}

static int dial(void *context, const struct config_filter *filter, int64_t until, char *why, size_t size)
{
	const struct dial_stop stop = {&told.serve.stop, &told.serve.waiting_fd};
	(void)context;
	return dial_filter(CHILD_FD_FILTERS, filter->name, until + DIAL_MARGIN_MS, &stop, why, size);
}

static void doubt(void *context, const struct config_filter *filter)
{
	(void)context;
	dial_doubt(CHILD_FD_FILTERS, filter->name);
}

/* For `mailrootctl sessions`: "client.example (filter spam)" while the session waits for a filter. */
static void tell_filter(void *context, const char *name)
{
	struct worker *w = context;
	struct scoreboard *board = prefork_scoreboard(w->context->pool);
	const struct session *session = told.serve.session;
	char words[LIMIT_HELO + FILTER_NAME_MAX + sizeof(" (filter )")];
	snprintf(words, sizeof(words), name ? "%s (filter %s)" : "%s", session->helo, name);
	scoreboard_name(board, w->slot, span_of(words));
	scoreboard_progress(board, w->slot, name ? SESSION_FILTERED : session->state, session->messages,
			    clock_wall_ms());
}

static bool may_pause(void *context)
{
	const struct worker *w = context;
	return pause_begin(w->context->pool, w->slot);
}

/* The worker is busy with CLIENT from now on. */
static void busy_with(struct worker *w, const struct ipaddr *client)
{
	char address[IPADDR_TEXT_MAX];
	w->counted = false;
	ipaddr_format(client, address);
	prefork_busy(w->context->pool, w->slot, span_of(address));
}

static enum reply_id admit_named(void *context, const struct ipaddr *client, struct str *about)
{
	struct worker *w = context;
	busy_with(w, client);
	return admit_client(w->context, w->slot, client, about);
}

static void serve_client(struct worker *w, int fd, const struct serve_tls *tls, const struct ipaddr *client,
			 const struct proxy_header *proxied)
{
	const struct serve_services services = {.store = &w->store,
						.names = &w->names,
						.lists = &w->lists,
						.auth = w->context->auth,
						.etrn = &w->etrn,
						.usage = w->context->usage,
						.pause = may_pause,
						.admit = admit_named,
						.context = w,
						.stress = w->context->stress.on,
						.known = &w->context->known,
						.filters = &w->filters};
	const struct serve_watch watch = {tell_progress, w, &w->records};
	busy_with(w, client);
	serve(fd, client, proxied, tls, &w->context->live, &services, &told.serve, &watch);
	session_over(w);
}

static void serve_admitted(struct worker *w, int fd, const struct serve_tls *tls, const struct ipaddr *client,
			   const struct proxy_header *proxied)
{
	struct str about;
	count(COUNTER_CONNECTIONS_IN);
	str_init(&about, LIMIT_LINE);
	enum reply_id refusal = admit_client(w->context, w->slot, client, &about);
	if (refusal == REPLY_NONE)
		serve_client(w, fd, tls, client, proxied);
	else
		serve_refusal(fd, tls, live_server(&w->context->live), refusal, str_span(&about));
	clients_leave(w->context->clients, w->slot);
	str_free(&about);
}

/*
 * The client is who the load balancer says. The worker is busy while it reads that, but a check is no session: nothing
 * counts it.
 */
static void serve_proxied(struct worker *w, int fd, const struct serve_tls *tls, const struct ipaddr *peer)
{
	const struct config_server *server = live_server(&w->context->live);
	struct proxy_header header;
	busy_with(w, peer);
	if (!proxied_read(fd, peer, server, w->context->usage, &told.serve.waiting_fd, &header))
		close(fd);
	else if (header.check)
		health_serve(fd, tls, server, health_trouble(server, &w->store, CHILD_FD_ARRIVALS), &told.serve);
	else
		serve_admitted(w, fd, tls, &header.client, &header);
	connection_over(w);
}

static void serve_next(struct worker *w, int listener)
{
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof(from);
	struct ipaddr client;
	uint16_t port;
	const struct serve_tls tls = secure_listener(w->context->secure, listener);
	int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EINVAL) /* the socket no longer listens: an order to stop is on its way */
			told.retire = 1;
		else
			fd_rest(errno);
		return;
	}
	net_address(&from, &client, &port);
	if (secure_listener_is_proxied(w->context->secure, listener))
		serve_proxied(w, fd, &tls, &client);
	else
		serve_admitted(w, fd, &tls, &client, NULL);
}

/* True: the order to stop came while the worker waited, not while it served. */
static bool loop(struct worker *w)
{
	struct epoll_event event;
	bool waited = false;
	while (!told.retire && w->jobs > 0) {
		waited = true;
		if (epoll_wait(w->epoll_fd, &event, 1, -1) != 1 || event.data.fd == -1)
			continue;
		waited = false;
		serve_next(w, event.data.fd);
	}
	return waited;
}

/* A connection may have woken only this worker in the moment when it was told to stop. */
static void serve_last(struct worker *w)
{
	close(w->epoll_fd);
	for (size_t i = 0; !told.serve.stop && i < w->context->listener_count; i++)
		serve_next(w, w->context->listeners[i]);
}

static const int names_link = CHILD_FD_NAMES, arrivals_link = CHILD_FD_ARRIVALS;

int worker_run(struct worker_context *context, size_t slot)
{
	struct worker w = {.context = context, .slot = slot};
	listen_to_signals(&w);
	snapshot_read_only(context->snapshot);
	secure_worker(context->secure);
	snapshot_read_only(context->users.snapshot);
	known_read_only(&context->known);
	w.jobs = context->live.server->processes.jobs;
	store_spool_init(&w.spool, context->spool, context->fullness, CHILD_FD_ARRIVALS);
	w.store = store_spool_ops(&w.spool);
	record_writer_init(&w.records, CHILD_FD_RECORDS);
	w.names = names_of_resolver(&names_link);
	w.lists = lists_of_resolver(&names_link);
	w.etrn = etrn_of_queue(&arrivals_link);
	w.filters = (struct filter_services){
		.context = &w,
		.dial = dial,
		.doubt = doubt,
		.waiting = tell_filter,
		.stop = &told.serve.stop,
		.waiting_fd = &told.serve.waiting_fd,
	};
	if (told.wake_fd < 0 || !watch(&w))
		return EXIT_TEMPORARY;
	prefork_idle(context->pool, slot);
	if (loop(&w))
		serve_last(&w);
	record_writer_free(&w.records);
	store_spool_free(&w.spool);
	return 0;
}
