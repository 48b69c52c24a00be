#include "smtpd/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "common/ipc/ipc.h"
#include "common/jail/syscalls.h"
#include "common/net/net.h"
#include "common/process/privs.h"
#include "smtpd/policy/excess.h"
#include "smtpd/protocol/replies.h"
#include "smtpd/proxy/proxied.h"
#include "smtpd/requests.h"

enum {
	SPARE_FDS = 64,    /* beside listeners and links */
	BUSY_AT_ONCE = 64, /* connections refused between two looks at everything else */
	FULL_LOOK_MS = 500,
	LOG_PAUSED_MS = 60 * 1000
};

static void *must(void *memory)
{
	if (!memory)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	return memory;
}

static void new_folder(const struct parent *p, char *to, size_t size)
{
	snprintf(to, size, "%s/new", p->child.server->dir);
}

/* It proves tickets for gssapi. With `passwords kerberos` alone it is loaded, too: a reload may add gssapi to auth. */
static struct gss_server *load_gss(const struct config_access *access, struct attention *attention)
{
	char why[GSS_WHY_MAX], text[GSS_WHY_MAX + 100];
	struct gss_server *gss = access->keytab && *access->keytab ? gss_server_load(access, why, sizeof(why)) : NULL;
	if (!gss && access->keytab && *access->keytab && access->auth & AUTH_GSSAPI) {
		snprintf(text, sizeof(text), "%s; AUTH GSSAPI is not offered", why);
		attention_set(attention, ATTENTION_GSSAPI, text);
	}
	return gss;
}

static const struct accounts *newest_accounts(void *context, uint64_t *generation)
{
	return userbase_accounts(context, generation);
}

/* Made while auth is off, too: a reload may switch it on. */
static struct auth *make_auth(struct parent *p)
{
	const struct auth_users users = {&p->worker.users, newest_accounts};
	struct auth *auth = must(auth_new(&users, p->gss, (size_t)p->child.server->processes.max));
	auth_set_passwords_link(auth, CHILD_FD_PASSWORDS);
	return auth;
}

void parent_init(struct parent *p, const struct child *child)
{
	char path[PATH_MAX];
	*p = (struct parent){.child = *child};
	tzset();
	p->listeners = must(calloc(p->child.listener_count + 1, sizeof(*p->listeners)));
	p->polled = must(calloc(PARENT_POLL_LISTEN + p->child.listener_count, sizeof(*p->polled)));
	p->packet = must(malloc(WIRE_PACKET_MAX));
	for (size_t i = 0; i < p->child.listener_count; i++)
		p->listeners[i] = CHILD_FD_LISTEN + (int)i;
	for (size_t i = 0; i < LIMIT_CTL_LINKS; i++)
		p->ctl_links[i].fd = -1;
	attention_init(&p->attention);
	attention_examine(&p->attention, &p->child.server->access.tls_certificate, CERTIFICATE_SERVER);
	p->gss = load_gss(&p->child.server->access, &p->attention);
	p->auth = make_auth(p);
	secure_init(&p->secure, p->child.server, p->listeners, p->child.listener_count);
	new_folder(p, path, sizeof(path));
	p->spool.new_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->spool.new_fd < 0)
		log_fatal(EXIT_TEMPORARY, "can't open %s: %s", path, strerror(errno));
}

void parent_jail(struct parent *p)
{
	char path[PATH_MAX];
	new_folder(p, path, sizeof(path));
	const char *const paths[] = {path, NULL};
	const struct privs_jail jail = {
		.user = p->child.config.smtpd_user,
		.root = path,
		.max_files = CHILD_FD_LISTEN + (int)p->child.listener_count + LIMIT_CTL_LINKS + SPARE_FDS,
		.may_fork = true,
		.paths = paths,
	};
	privs_enter(&jail);
	syscalls_enter(SYSCALLS_smtpd, p->child.config.sandbox.seccomp);
}

static void close_ctl_links(struct parent *p)
{
	for (size_t i = 0; i < LIMIT_CTL_LINKS; i++)
		fd_close(&p->ctl_links[i].fd);
}

/* A worker keeps no descriptor that leads to master or to an operator. */
static int work(void *context, size_t slot)
{
	struct parent *p = context;
	close_ctl_links(p);
	close(CHILD_FD_CONTROL);
	close(CHILD_FD_CONFIG);
	return worker_run(&p->worker, slot);
}

static size_t max_workers(const struct config_server *server)
{
	int64_t max = server->processes.max;
	return (size_t)(server->max_connections < max ? server->max_connections : max);
}

static size_t spare_workers(const struct config_server *server)
{
	size_t max = max_workers(server), spare = (size_t)server->processes.spare;
	return spare < max ? spare : max;
}

/*
 * A worker that dies between linking a message and announcing it leaves the message to the queue's next scan of new/.
 * This makes that scan happen soon.
 */
static void ask_for_look(bool died)
{
	struct wire_look look = {died};
	struct str packet;
	str_init(&packet, 16);
	if (wire_encode_look(&look, &packet))
		send(CHILD_FD_ARRIVALS, packet.at, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	str_free(&packet);
}

static void gone(void *context, size_t slot, int status)
{
	struct parent *p = context;
	clients_leave(p->worker.clients, slot);
	if (WIFSIGNALED(status))
		ask_for_look(true);
}

/* No spare workers while connections are not accepted. Workers in a session stay. */
void parent_size_pool(struct parent *p)
{
	bool closed = p->paused || p->retired || p->stop_by;
	prefork_resize(p->pool, closed ? 0 : spare_workers(p->child.server), closed ? 0 : max_workers(p->child.server));
}

static bool knows_files(const struct parent *p)
{
	const struct config_server *server = p->child.server;
	return (p->users_known || !server->access.auth) && known_complete(&p->worker.known, server);
}

/* Workers wait for accounts and recipients: none asks for a password, or puts mail off, before they are known. */
static void await_files(struct parent *p)
{
	int64_t until = clock_mono_ms() + LIMIT_FILES_MS, now = clock_mono_ms();
	struct pollfd link = {.fd = CHILD_FD_CONTROL, .events = POLLIN};
	for (; !knows_files(p) && !p->stop_by && now < until; now = clock_mono_ms())
		if (poll(&link, 1, (int)(until - now)) > 0)
			parent_obey(p);
}

void parent_ready(struct parent *p)
{
	static const struct prefork_ops ops = {.work = work, .gone = gone};
	const struct config_server *server = p->child.server;
	int new_fd = p->spool.new_fd;
	int err = spool_probe(new_fd, &p->spool);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't create files in %s/new: %s; who owns the folder?", server->dir,
			  strerror(-err));
	err = ipc_set_send_deadline(CHILD_FD_ARRIVALS, LIMIT_ARRIVED_MS);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't use the link to the queue: %s", strerror(-err));
	p->pool = prefork_new(&ops, p, spare_workers(server), (size_t)server->processes.max, PREFORK_SURPLUS_MS);
	p->worker = (struct worker_context){
		.pool = p->pool,
		.listeners = p->listeners,
		.listener_count = p->child.listener_count,
		.spool = &p->spool,
		.fullness = fullness_map(CHILD_FD_FULLNESS),
		.snapshot = snapshot_new(LIMIT_SNAPSHOT),
		.gateway = gateway_new((size_t)server->processes.max),
		.clients = clients_new((size_t)server->processes.max),
		.usage = usage_new(),
		.secure = &p->secure,
		.auth = p->auth,
	};
	if (!p->pool || !p->worker.snapshot || !p->worker.gateway || !p->worker.clients || !p->worker.usage ||
	    !userbase_init(&p->worker.users, LIMIT_USERBASE) || !stress_init(&p->worker.stress))
		log_fatal(EXIT_TEMPORARY, "can't make the pool of workers: %s", strerror(errno));
	p->paused = p->child.paused;
	parent_size_pool(p);
	p->worker.live = (struct live){.snapshot = p->worker.snapshot, .server = server};
	await_files(p);
	attention_tend(&p->attention, p->child.server->fqdn, clock_wall_ms() / 1000);
	ask_for_look(false); /* the parent before this one may have died with its workers */
	child_ready();
}

static void answer(struct parent *p, struct ctl_link *link)
{
	struct ipc_packet packet;
	int err = ipc_receive(link->fd, p->packet, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
	if (err == -EAGAIN || err == -EINTR)
		return;
	const struct requests_counts counts = {p->worker.gateway, p->worker.clients, p->worker.usage, &p->worker.known,
					       &p->attention};
	bool useful = !err && !packet.eof &&
		      requests_serve(link->fd, link->link, packet.text, p->child.server, p->pool, &counts);
	if (!err)
		ipc_packet_close(&packet);
	if (!useful)
		fd_close(&link->fd);
}

/* A cause that is not specific to one connection may last, and the listener stays readable all the while. */
static void accept_failed(struct parent *p)
{
	if (fd_error_stays(errno))
		p->accept_after = clock_mono_ms() + FD_REST_MS;
}

/* Whether a listener with proxy takes no connection of the peer at all. */
static bool is_no_balancer(struct parent *p, int listener, const struct sockaddr_storage *from)
{
	struct ipaddr peer;
	uint16_t port;
	net_address(from, &peer, &port);
	return secure_listener_is_proxied(&p->secure, listener) &&
	       !proxied_permits(&peer, p->child.server, p->worker.usage);
}

/* Refuses one client for which no worker is free. A listener that begins with TLS sends no reason. Does not block. */
static bool refuse_next(struct parent *p, int listener)
{
	const struct serve_tls tls = secure_listener(&p->secure, listener);
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof(from);
	int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		accept_failed(p);
		return false;
	}
	if (!secure_listener_is_proxied(&p->secure, listener)) /* it may be a check of the load balancer */
		count(COUNTER_CONNECTIONS_IN);
	if (is_no_balancer(p, listener, &from))
		close(fd);
	else
		serve_refusal(fd, &tls, p->child.server, p->paused ? REPLY_STOPPING : REPLY_BUSY, (struct span){0});
	return true;
}

static bool is_full(const struct parent *p)
{
	const struct scoreboard *board = prefork_scoreboard(p->pool);
	size_t slots = prefork_slots(p->pool);
	return !p->stop_by && !p->retired && prefork_count(p->pool) >= prefork_max(p->pool) &&
	       !scoreboard_count(board, slots, SCOREBOARD_IDLE) && !scoreboard_count(board, slots, SCOREBOARD_STARTING);
}

/* Once a minute: load balancers ask again and again. */
static void log_paused(struct parent *p, unsigned refused)
{
	int64_t now = clock_mono_ms();
	p->refused += refused;
	if (now < p->log_paused_after)
		return;
	log_info("sessions=%zu refused=%u: paused", prefork_count(p->pool), p->refused);
	p->refused = 0;
	p->log_paused_after = now + LOG_PAUSED_MS;
}

static void refuse(struct parent *p)
{
	unsigned refused = 0;
	for (size_t i = 0; i < p->child.listener_count; i++)
		while (refused < BUSY_AT_ONCE && p->polled[PARENT_POLL_LISTEN + i].revents &&
		       refuse_next(p, p->listeners[i]))
			refused++;
	if (refused && p->paused)
		log_paused(p, refused);
	else if (refused)
		log_warning("sessions=%zu refused=%u: max_connections or processes max is reached",
			    prefork_count(p->pool), refused);
}

/* smtpd is paused when no process but the parent can accept any more. */
static void say_paused(struct parent *p)
{
	struct str packet;
	if (p->paused == p->said_paused || (p->paused && !is_full(p)))
		return;
	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_paused(&(struct wire_paused){.paused = p->paused}, &packet);
	if (ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0) == 0)
		p->said_paused = p->paused;
	str_free(&packet);
}

static void wait_for_something(struct parent *p, int timeout)
{
	bool full = is_full(p) && clock_mono_ms() >= p->accept_after;
	for (size_t i = 0; i < LIMIT_CTL_LINKS; i++)
		p->polled[PARENT_POLL_CTL + i] = (struct pollfd){.fd = p->ctl_links[i].fd, .events = POLLIN};
	for (size_t i = 0; i < p->child.listener_count; i++)
		p->polled[PARENT_POLL_LISTEN + i] =
			(struct pollfd){.fd = full ? p->listeners[i] : -1, .events = POLLIN};
	if (poll(p->polled, PARENT_POLL_LISTEN + p->child.listener_count, timeout) >= 0)
		return;
	fd_rest(errno);
	for (size_t i = 0; i < PARENT_POLL_LISTEN + p->child.listener_count; i++)
		p->polled[i].revents = 0;
}

/* Warns when a gateway is found, and once a day while it stays. */
static void look_for_gateway(struct parent *p, int64_t now)
{
	struct str warning;
	str_init(&warning, LIMIT_LINE);
	gateway_warn(p->worker.gateway, p->child.server, &warning);
	if (!warning.len)
		p->gateway_quiet = 0;
	else if (now >= p->gateway_quiet) {
		log_warning("%s", str_text(&warning));
		p->gateway_quiet = now + LIMIT_GATEWAY_QUIET_MS;
	}
	str_free(&warning);
}

static void look_at_counts(struct parent *p)
{
	int64_t now = clock_mono_ms();
	if (now < p->look)
		return;
	p->look = now + LIMIT_LOOK_MS;
	look_for_gateway(p, now);
	excess_log_unsaid(p->worker.usage);
}

/* A full pool wakes nobody when its last worker becomes busy, so the parent polls. */
static int time_left(const struct parent *p, int timeout)
{
	int64_t now = clock_mono_ms(), left = p->stop_by ? p->stop_by - now : p->look - now;
	bool looks = p->worker.stress.before || prefork_count(p->pool) >= prefork_max(p->pool);
	if (looks && left > FULL_LOOK_MS)
		left = FULL_LOOK_MS;
	if (p->accept_after > now && left > p->accept_after - now)
		left = p->accept_after - now;
	if (left < 0)
		left = 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

int parent_loop(struct parent *p)
{
	p->polled[PARENT_POLL_CONTROL] = (struct pollfd){.fd = CHILD_FD_CONTROL, .events = POLLIN};
	p->polled[PARENT_POLL_POOL] = (struct pollfd){.fd = prefork_fd(p->pool), .events = POLLIN};
	for (;;) {
		int timeout = prefork_tend(p->pool);
		if ((p->stop_by || p->retired) && !prefork_count(p->pool))
			return 0;
		if (p->stop_by && clock_mono_ms() >= p->stop_by)
			prefork_signal(p->pool, SIGKILL);
		say_paused(p);
		stress_tend(&p->worker.stress, p->pool, clock_mono_ms());
		secure_tend(&p->secure, clock_mono_ms());
		wait_for_something(p, time_left(p, timeout));
		if (p->polled[PARENT_POLL_CONTROL].revents)
			parent_obey(p);
		for (size_t i = 0; i < LIMIT_CTL_LINKS; i++)
			if (p->polled[PARENT_POLL_CTL + i].revents)
				answer(p, &p->ctl_links[i]);
		if (is_full(p))
			refuse(p);
		look_at_counts(p);
		attention_tend(&p->attention, p->child.server->fqdn, clock_wall_ms() / 1000);
	}
}
