#include "master/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/log.h"
#include "master/handover.h"
#include "master/master.h"
#include "master/renew.h"

static struct str text; /* what the spans of the handover point into */

/* The descriptor of the handover; -1 = this is an ordinary start. */
static int take_descriptor(void)
{
	const char *value = getenv(HANDOVER_VARIABLE);
	uint64_t fd = 0;
	bool good = value && span_to_u64(span_of(value), HANDOVER_FD_MAX - 1, &fd) && fd > STDERR_FILENO;
	unsetenv(HANDOVER_VARIABLE);
	return good ? (int)fd : -1;
}

struct handover *adopt_read(const struct master *master, char *why, size_t size)
{
	int fd = take_descriptor();
	why[0] = '\0';
	if (fd < 0)
		return NULL;
	struct handover *from = malloc(sizeof(*from));
	str_init(&text, HANDOVER_TEXT_MAX);
	int err = from ? child_config_text(fd, &text) : -ENOMEM;
	fd_close(&fd);
	if (err) {
		snprintf(why, size, "can't read what the running service hands over: %s", strerror(-err));
		adopt_free(from);
		return NULL;
	}
	size_t fault = handover_read(str_span(&text), from);
	if (handover_refuses(from, fault, &master->config, why, size)) {
		adopt_free(from);
		return NULL;
	}
	return from;
}

void adopt_free(struct handover *from)
{
	free(from);
	str_free(&text);
}

/* A child that has ended, too, until it is waited for. */
static bool is_ours(pid_t pid)
{
	siginfo_t info;
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* The slot of FROM: that of its role, or a free one behind them. */
static struct supervised *slot_of(struct server *server, const struct handover_child *from)
{
	size_t i = CHILD_ROLE_COUNT;
	if (!from->older)
		return &server->children[from->role];
	while (i < SERVER_CHILDREN && supervise_alive(&server->children[i]))
		i++;
	return i < SERVER_CHILDREN ? &server->children[i] : NULL;
}

static void adopt_child(struct server *server, const struct handover_child *from)
{
	struct supervised *child = slot_of(server, from);
	int control = from->control;
	if (!child || !is_ours(from->pid)) {
		fd_close(&control);
		return;
	}
	supervise_init(child, from->role);
	supervise_started(child, from->pid, control, from->started_ms);
	child->state = from->state;
	child->due_ms = clock_mono_ms() + CHILD_STOP_MS; /* of one that was told to stop */
	child->restarts = from->restarts;
	child->paused = from->paused;
	memcpy(child->version, from->version, sizeof(child->version));
}

static void adopt_descriptors(struct server *server, const struct handover_server *from)
{
	struct listeners *listeners = &server->listeners;
	memcpy(listeners->fds, from->listeners, sizeof(listeners->fds));
	memcpy(listeners->left, from->left, sizeof(listeners->left));
	listeners->n = from->listener_count;
	listeners->left_count = from->left_count;
	links_adopt(&server->links, from->kept);
}

/* The servers that the file no longer has end as after a reload. */
static struct server *server_for(struct master *master, struct span name)
{
	struct server *server = master_server(master, name);
	char text_of_name[SERVER_NAME_MAX + 1];
	if (server || !span_copy(name, text_of_name, sizeof(text_of_name)))
		return server;
	return master_add_ended(master, text_of_name);
}

static void close_one(int fd, void *context)
{
	(void)context;
	fd_close(&fd);
}

static void adopt_server(struct master *master, const struct handover_server *from)
{
	struct server *server = server_for(master, from->name);
	int64_t now_ms = clock_mono_ms();
	if (!server) {
		log_error("upgrade: server=%.*s no room or no memory for it: its listeners close and its processes end",
			  SPAN_ARGS(from->name));
		handover_each_of_server(from, close_one, NULL);
		return;
	}
	adopt_descriptors(server, from);
	for (size_t i = 0; i < from->child_count; i++)
		adopt_child(server, &from->children[i]);
	server->order = server->config ? from->order : SERVER_END;
	server->stopping = false; /* as its configuration may have said */
	if (server->order >= SERVER_END)
		server_order(server, server->order, now_ms);
	if (server->order == SERVER_STOP || !from->open)
		return;
	server_go_on(server, now_ms);
	renew_all(server, now_ms);
}

static void close_on_exec(int fd, void *context)
{
	bool *open = context;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC))
		*open = false;
}

bool adopt_service(struct master *master, const struct handover *from)
{
	bool open = true;
	handover_each(from, close_on_exec, &open);
	if (!open)
		return false;
	master->began_ms = from->began_ms;
	master->generation = from->generation;
	master->lock_fd = from->lock;
	master->control.fd = from->control;
	master->upgrade.asker = from->asker;
	control_adopt(&master->control, from->clients, from->client_count, clock_mono_ms());
	return true;
}

void adopt_servers(struct master *master, const struct handover *from)
{
	log_info("version=%s takes over from version=%.*s", MAILROOT_VERSION, SPAN_ARGS(from->version));
	for (size_t i = 0; i < from->server_count; i++)
		adopt_server(master, &from->servers[i]);
}
