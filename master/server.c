#include "master/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/host/ipc.h"
#include "master/spawn.h"

enum {
	RETRY_MS = 10000,
	/* Who held the port a moment ago may be the old smtpd of a master that was killed: it closes at once. */
	RETRY_SOON_MS = 50,
	RETRY_SOON_FOR_MS = 3000,
	SETTLED_EARLY = 3,        /* early deaths of one child after which a start counts as failed */
	SETTLED_AFTER_MS = 30000, /* a child that says nothing for so long */
	LINK_SNDBUF = 1 << 20,
};

/* The order of a stop: each set of roles is told when those before it are gone, or at the latest at its time. */
static const struct {
	unsigned roles;
	int64_t at_latest_ms;
} stop_phases[] = {
	{1U << CHILD_SMTPD, 0},
	{1U << CHILD_QUEUE, 5000},
	{1U << CHILD_DELIVERY | 1U << CHILD_LOCAL | 1U << CHILD_RESOLVER, 10000},
	{1U << CHILD_LOG, 12000},
};
enum { STOP_PHASES = sizeof(stop_phases) / sizeof(stop_phases[0]) };

static const char *const state_names[SERVER_STATE_COUNT] = {
	[SERVER_TROUBLE] = "trouble", [SERVER_STARTING] = "starting", [SERVER_RUNNING] = "running",
	[SERVER_FAILED] = "failed",   [SERVER_STOPPING] = "stopping", [SERVER_STOPPED] = "stopped",
};

const char *server_state_name(enum server_state state)
{
	return state < SERVER_STATE_COUNT ? state_names[state] : "unknown";
}

bool server_init(struct server *server, const char *name, const char *programs, const struct folders_owner *owner,
		 struct listeners_all *all)
{
	*server = (struct server){.programs = programs, .owner = owner};
	links_init(&server->links);
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		supervise_init(&server->children[role], role);
		str_init(&server->texts[role], SERVER_TEXT_MAX);
	}
	return listeners_init(&server->listeners, all) && span_copy(span_of(name), server->name, sizeof(server->name));
}

void server_free(struct server *server)
{
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		str_free(&server->texts[role]);
		fd_close(&server->children[role].control);
	}
	listeners_free(&server->listeners);
	links_close(&server->links);
}

bool server_configure(struct server *server, const struct config_tree *tree, const struct config *config,
		      const char *hostname)
{
	struct str fresh[CHILD_ROLE_COUNT];
	bool good = true;

	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		str_init(&fresh[role], SERVER_TEXT_MAX);
		config_tree_write(tree, hostname, server->name, child_role_bit(role), &fresh[role]);
		good &= !fresh[role].failed;
	}
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		struct str *unwanted = good ? &server->texts[role] : &fresh[role];
		str_free(unwanted);
		if (good)
			server->texts[role] = fresh[role];
	}
	if (good)
		server->config = config;
	return good;
}

static unsigned roles_in(const struct server *server, enum supervise_state state)
{
	unsigned roles = 0;

	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++)
		roles |= (unsigned)(server->children[role].state == state) << role;
	return roles;
}

static unsigned roles_alive(const struct server *server)
{
	unsigned roles = 0;

	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++)
		roles |= (unsigned)supervise_alive(&server->children[role]) << role;
	return roles;
}

enum server_state server_state(const struct server *server)
{
	if (server->stopping)
		return roles_alive(server) ? SERVER_STOPPING : SERVER_STOPPED;
	if (!server->open)
		return server->trouble[0] ? SERVER_TROUBLE : SERVER_STARTING;
	if (roles_in(server, SUPERVISE_FAILED))
		return SERVER_FAILED;
	return roles_in(server, SUPERVISE_READY) == (1U << CHILD_ROLE_COUNT) - 1 ? SERVER_RUNNING : SERVER_STARTING;
}

bool server_settled(const struct server *server, int64_t now_ms)
{
	switch (server_state(server)) {
	case SERVER_STARTING:
		break;
	case SERVER_TROUBLE:
		return server->retry_ms - now_ms > RETRY_SOON_MS || now_ms - server->opened_ms > RETRY_SOON_FOR_MS;
	default:
		return true;
	}
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		if (server->children[role].early >= SETTLED_EARLY)
			return true;
	}
	return server->opened_ms && now_ms - server->opened_ms > SETTLED_AFTER_MS;
}

/* Sends PACKET (consumed) to a child. One that does not read its control link is no use any more. */
static bool tell(struct server *server, enum child_role role, struct str *packet, int fd)
{
	struct supervised *child = &server->children[role];
	int error = packet->failed ? -ENOMEM : ipc_send(child->control, str_span(packet), &fd, fd >= 0);

	str_free(packet);
	if (error)
		log_warning("server=%s role=%s pid=%d can't be told anything: %s", server->name, child_role_name(role),
			    (int)child->pid, strerror(-error));
	return !error;
}

static bool send_attach(struct server *server, enum child_role role, enum child_link link, int fd)
{
	struct wire_attach attach = {.kind = link};
	struct str packet;

	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_attach(&attach, &packet);
	return tell(server, role, &packet, fd);
}

static void send_stop(struct server *server, enum child_role role, bool now)
{
	struct wire_stop stop = {.now = now};
	struct str packet;

	str_init(&packet, WIRE_PACKET_MAX);
	wire_encode_stop(&stop, &packet);
	tell(server, role, &packet, -1);
}

/* ROLE has become ready: new links to everybody it works with. */
static void make_links(struct server *server, enum child_role fresh)
{
	unsigned due = links_due(roles_in(server, SUPERVISE_READY), fresh);

	for (enum child_link link = CHILD_LINK_DELIVERY; link <= CHILD_LINK_RESOLVER; link++) {
		int ends[2];
		if (!(due & 1U << link))
			continue;
		int error = ipc_pair(ends, LINK_SNDBUF);
		if (error) {
			log_error("server=%s no link between queue and %s: %s", server->name,
				  child_role_name(links_peer(link)), strerror(-error));
			continue;
		}
		send_attach(server, CHILD_QUEUE, link, ends[0]);
		send_attach(server, links_peer(link), link, ends[1]);
		fd_close(&ends[0]);
		fd_close(&ends[1]);
	}
}

void server_receive(struct server *server, enum child_role role)
{
	struct supervised *child = &server->children[role];
	char buffer[64]; /* `ready` is all that a child may say */
	struct ipc_packet packet = {.eof = true};
	struct wire_ready ready;

	int error = ipc_receive(child->control, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	if (error == -EAGAIN)
		return;
	if (!error && !packet.eof && !packet.fd_count && wire_decode_ready(packet.text, &ready)) {
		if (child->state != SUPERVISE_STARTING)
			return;
		child->state = SUPERVISE_READY;
		log_debug("server=%s role=%s pid=%d ready", server->name, child_role_name(role), (int)child->pid);
		make_links(server, role);
		if (server_state(server) == SERVER_RUNNING)
			log_info("server=%s running", server->name);
		return;
	}
	if (!error && !packet.eof) {
		ipc_packet_close(&packet);
		log_error("server=%s role=%s pid=%d sent what it must not; its link is cut", server->name,
			  child_role_name(role), (int)child->pid);
	}
	/* The other end sees the end of its link and leaves; its death is reported apart. */
	fd_close(&child->control);
}

static bool open_server(struct server *server, const struct config_server *wanted)
{
	if (!listeners_open(&server->listeners, &wanted->listen, server->trouble, sizeof(server->trouble)))
		return false;
	if (!folders_make(server->config, wanted, server->owner, server->trouble, sizeof(server->trouble)))
		return false;
	int error = links_open(&server->links);
	if (error)
		snprintf(server->trouble, sizeof(server->trouble), "links can't be made: %s", strerror(-error));
	return !error;
}

/* Tries to open; trouble is logged once, and again when it is another. */
static void try_open(struct server *server, int64_t now_ms)
{
	const struct config_server *wanted =
		server->config ? config_server_find(server->config, span_of(server->name)) : NULL;

	if (!wanted)
		return;
	if (!server->opened_ms)
		server->opened_ms = now_ms;
	bool soon = now_ms - server->opened_ms < RETRY_SOON_FOR_MS;
	server->open = open_server(server, wanted);
	if (!server->open) {
		server->retry_ms = now_ms + (soon ? RETRY_SOON_MS : RETRY_MS);
		if (!soon && strcmp(server->logged, server->trouble) != 0)
			log_error("server=%s can't run: %s", server->name, server->trouble);
		if (!soon)
			memcpy(server->logged, server->trouble, sizeof(server->logged));
		return;
	}
	server->trouble[0] = server->logged[0] = '\0';
	server->opened_ms = now_ms;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		server->children[role].state = SUPERVISE_DOWN;
		server->children[role].due_ms = now_ms;
	}
}

/* The log's folder may have come or changed with a reload. Mail does not wait for it: trouble is the log's own. */
static void make_log_folder(const struct server *server)
{
	char why[SERVER_WHY_MAX];
	const struct config_server *wanted =
		server->config ? config_server_find(server->config, span_of(server->name)) : NULL;

	if (wanted && !folders_make_log(server->config, wanted, server->owner, why, sizeof(why)))
		log_error("server=%s role=log %s", server->name, why);
}

static void start_child(struct server *server, struct supervised *child, int64_t now_ms)
{
	struct spawn what = {
		.folder = server->programs,
		.program = child_role_program(child->role),
		.server = server->name,
		.role = child_role_name(child->role),
		.config = str_span(&server->texts[child->role]),
		.arrivals = links_arrivals_of(&server->links, child->role),
		.verdicts = links_verdicts_of(&server->links, child->role),
		.records = links_records_of(&server->links, child->role),
		.names = links_names_of(&server->links, child->role),
	};
	pid_t pid;
	int control;

	if (child->role == CHILD_SMTPD) {
		what.listeners = server->listeners.fds;
		what.listener_count = server->listeners.n;
	}
	if (child->role == CHILD_LOG)
		make_log_folder(server);
	int error = spawn_child(&what, &pid, &control);
	if (error) {
		supervise_not_started(child, now_ms, -error);
		log_error("server=%s role=%s %s", server->name, what.role, child->why);
		return;
	}
	supervise_started(child, pid, control, now_ms);
	log_debug("server=%s role=%s pid=%d started", server->name, what.role, (int)pid);
}

bool server_gone(struct server *server, pid_t pid, int status, int64_t now_ms)
{
	struct supervised *child = server->children;

	while (child < server->children + CHILD_ROLE_COUNT && child->pid != pid)
		child++;
	if (child == server->children + CHILD_ROLE_COUNT)
		return false;
	supervise_gone(child, status, now_ms);
	const char *role = child_role_name(child->role);
	if (child->state == SUPERVISE_FAILED)
		log_error("server=%s role=%s pid=%d ended (%s) and stays down; its last words above say why. After "
			  "mending "
			  "it: mailrootctl reload",
			  server->name, role, (int)pid, child->why);
	else if (child->state == SUPERVISE_DOWN)
		log_warning("server=%s role=%s pid=%d ended (%s); starting another in %lld ms", server->name, role,
			    (int)pid, child->why, (long long)(child->due_ms - now_ms));
	if (server_state(server) == SERVER_STOPPED)
		log_info("server=%s stopped", server->name);
	return true;
}

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static void tell_to_stop(struct server *server, enum child_role role, bool hurry)
{
	struct supervised *child = &server->children[role];

	server->told |= 1U << role;
	if (!supervise_alive(child)) {
		child->state = SUPERVISE_STOPPED;
		return;
	}
	child->state = SUPERVISE_STOPPING;
	if (child->control >= 0)
		send_stop(server, role, hurry);
}

static int64_t tend_stop(struct server *server, int64_t now_ms)
{
	int64_t since = now_ms - server->stop_ms;
	unsigned before = 0;

	if (!roles_alive(server)) {
		listeners_close(&server->listeners);
		return -1;
	}
	if (since >= SERVER_STOP_MS) {
		for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
			if (supervise_alive(&server->children[role]))
				kill(-server->children[role].pid, SIGKILL);
		}
		return 100;
	}
	int64_t next = SERVER_STOP_MS - since;
	for (size_t i = 0; i < STOP_PHASES; i++) {
		bool due = !(roles_alive(server) & before) || since >= stop_phases[i].at_latest_ms;
		for (enum child_role role = 0; due && role < CHILD_ROLE_COUNT; role++) {
			if (stop_phases[i].roles & ~server->told & 1U << role)
				tell_to_stop(server, role, false);
		}
		if (!due)
			next = sooner(next, stop_phases[i].at_latest_ms - since);
		before |= stop_phases[i].roles;
	}
	return next;
}

int64_t server_tend(struct server *server, int64_t now_ms)
{
	int64_t next = -1;

	if (server->stopping)
		return tend_stop(server, now_ms);
	if (!server->open && now_ms >= server->retry_ms)
		try_open(server, now_ms);
	if (!server->open)
		return server->config ? server->retry_ms - now_ms : -1;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		struct supervised *child = &server->children[role];
		if (child->state == SUPERVISE_DOWN && now_ms >= child->due_ms)
			start_child(server, child, now_ms);
		if (child->state == SUPERVISE_DOWN)
			next = sooner(next, child->due_ms - now_ms);
	}
	return server_settled(server, now_ms) ? next : sooner(next, 1000);
}

void server_stop(struct server *server, bool hurry, int64_t now_ms)
{
	if (!server->stopping) {
		server->stopping = true;
		server->stop_ms = now_ms;
	}
	if (!hurry)
		return;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++)
		tell_to_stop(server, role, true);
	server->stop_ms = now_ms - (SERVER_STOP_MS - SERVER_HURRY_MS);
}

void server_reload(struct server *server, uint64_t generation, int64_t now_ms)
{
	struct wire_reload reload = {.generation = generation};

	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		struct supervised *child = &server->children[role];
		if (child->state == SUPERVISE_FAILED) {
			child->state = SUPERVISE_DOWN;
			child->due_ms = now_ms;
			child->early = 0;
		}
		if (!supervise_alive(child) || child->control < 0)
			continue;
		struct str packet;
		int text = fd_sealed("configuration", str_span(&server->texts[role]));
		if (text < 0) {
			log_error("server=%s role=%s keeps the old configuration: %s", server->name,
				  child_role_name(role), strerror(-text));
			continue;
		}
		str_init(&packet, WIRE_PACKET_MAX);
		wire_encode_reload(&reload, &packet);
		tell(server, role, &packet, text);
		fd_close(&text);
	}
	if (!server->open)
		server->retry_ms = now_ms;
}

int server_connect(struct server *server, enum child_role role)
{
	int ends[2];

	if (role >= CHILD_ROLE_COUNT || server->children[role].state != SUPERVISE_READY)
		return -EAGAIN;
	int error = ipc_pair(ends, LINK_SNDBUF);
	if (error)
		return error;
	bool sent = send_attach(server, role, CHILD_LINK_CTL, ends[1]);
	fd_close(&ends[1]);
	if (!sent) {
		fd_close(&ends[0]);
		return -EPIPE;
	}
	return ends[0];
}
