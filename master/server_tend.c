#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "master/attach.h"
#include "master/hear.h"
#include "master/open.h"
#include "master/pulse.h"
#include "master/renew.h"
#include "master/server.h"
#include "master/spawn.h"
#include "master/stop.h"
#include "master/tell.h"
#include "master/users.h"

/* The log's folder may have changed with a reload. Mail does not depend on it: only the log is in trouble. */
static void make_log_folder(const struct server *server)
{
	char why[SERVER_WHY_MAX];
	const struct config_server *wanted = server_wanted(server);
	if (wanted && !folders_make_log(server->config, wanted, server->owner, why, sizeof(why)))
		log_error("server=%s role=log %s", server->name, why);
}

/* Refresh tokens stand there. Tokens that need no person do not depend on it. */
static void make_oauth_folder(const struct server *server)
{
	char why[SERVER_WHY_MAX];
	const struct config_server *wanted = server_wanted(server);
	if (wanted && !folders_make_oauth(server->config, wanted, why, sizeof(why)))
		log_error("server=%s role=web %s", server->name, why);
}

/* A removed pickup folder may have ended its reader. Mail by SMTP does not depend on it. */
static void make_pickup_folders(const struct server *server)
{
	char why[SERVER_WHY_MAX];
	const struct config_server *wanted = server_wanted(server);
	if (wanted && !folders_make(server->config, wanted, server->owner, why, sizeof(why)))
		log_error("server=%s role=pickup %s", server->name, why);
}

/* A program may be missing. A child that keeps dying may need a folder that was removed, which is created again. */
static bool can_start(const struct server *server, struct supervised *child, int64_t now_ms)
{
	const struct config_server *wanted = server_wanted(server);
	char why[SERVER_WHY_MAX], path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", server->programs, child_role_program(child->role));
	if (child_program_usable(path, child->role, why, sizeof(why)) &&
	    (!child->early || !wanted || folders_make(server->config, wanted, server->owner, why, sizeof(why))))
		return true;
	supervise_not_started(child, now_ms, ENOENT);
	snprintf(child->why, sizeof(child->why), "%.*s", (int)sizeof(child->why) - 1, why);
	log_error("server=%s role=%s could not be started: %s", server->name, child_role_name(child->role), why);
	return false;
}

static void start_child(struct server *server, struct supervised *child, int64_t now_ms)
{
	struct spawn what = {
		.folder = server->programs,
		.program = child_role_program(child->role),
		.server = server->name,
		.config = str_span(&server->texts[child->role]),
	};
	pid_t pid;
	int control;
	for (int i = 0; i < CHILD_FD_KEPT; i++)
		what.kept[i] = links_of(&server->links, (enum child_fd)(CHILD_FD_ARRIVALS + i), child->role);
	if (child->role == CHILD_SMTPD) {
		what.listeners = server->listeners.fds;
		what.listener_count = server->listeners.n;
		what.paused = server->order == SERVER_PAUSE;
	}
	if (child->role == CHILD_LOG)
		make_log_folder(server);
	if (child->role == CHILD_WEB)
		make_oauth_folder(server);
	if (child->role == CHILD_PICKUP && child->started_ms)
		make_pickup_folders(server);
	if (server_wanted(server))
		files_note(&server->files[child->role], server_wanted(server), child_role_bit(child->role));
	int err = spawn_child(&what, &pid, &control);
	if (err) {
		supervise_not_started(child, now_ms, -err);
		log_error("server=%s role=%s %s", server->name, child_role_name(child->role), child->why);
		return;
	}
	supervise_started(child, pid, control, now_ms);
	if (child->role == CHILD_SMTPD)
		users_tell(server, child);
	if (recipient_files_wanted(child->role))
		recipient_files_tell(server, child);
}

/* REPLACED: the child was told to stop, because of new settings or files. */
static void log_end(const struct server *server, const struct supervised *child, pid_t pid, bool replaced,
		    int64_t now_ms)
{
	const char *role = child_role_name(child->role);
	if (replaced)
		log_info("server=%s role=%s pid=%d ended (%s); its successor starts", server->name, role, (int)pid,
			 child->ended);
	else if (child->state == SUPERVISE_FAILED)
		log_error(
			"server=%s role=%s pid=%d ended (%s) and is not started again; its last lines above have the reason. Correct it, then: mailrootctl reload",
			server->name, role, (int)pid, child->ended);
	else if (child->state == SUPERVISE_DOWN)
		log_warning("server=%s role=%s pid=%d ended (%s); starting another in %lld ms", server->name, role,
			    (int)pid, child->ended, (long long)(child->due_ms - now_ms));
	if (server_state(server) == SERVER_STOPPED)
		log_info("server=%s stopped", server->name);
}

bool server_gone(struct server *server, pid_t pid, int status, int64_t now_ms)
{
	struct supervised *child = server->children;
	while (child < server->children + SERVER_CHILDREN && child->pid != pid)
		child++;
	if (child == server->children + SERVER_CHILDREN)
		return false;
	/* An older process has its successor already. */
	if (child >= server->children + CHILD_ROLE_COUNT)
		child->state = SUPERVISE_RETIRING;
	hear_last_words(child);
	bool replaced = child->state == SUPERVISE_REPLACING;
	supervise_gone(child, status, now_ms);
	if (!replaced && (child->state == SUPERVISE_DOWN || child->state == SUPERVISE_FAILED))
		links_count_restart(&server->links, child->role);
	log_end(server, child, pid, replaced, now_ms);
	return true;
}

/* A stop is complete, and a start was ordered meanwhile. */
static void begin_anew(struct server *server, int64_t now_ms)
{
	server->stopping = server->open = false;
	server->opened_ms = 0;
	server->retry_ms = now_ms;
	server->trouble[0] = '\0';
}

unsigned server_files_changed(const struct server *server, const struct config_server *wanted, struct str *to)
{
	unsigned roles = 0;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++)
		roles |= (unsigned)(files_changed(&server->files[role], wanted, child_role_bit(role), to) > 0) << role;
	return roles;
}

/*
 * A failed child, for instance because of a wrong key, is started again when such a file has changed, without a reload.
 */
static int64_t look_at_files(struct server *server, int64_t now_ms)
{
	const struct config_server *wanted = server_wanted(server);
	unsigned failed = server_roles_in(server, SUPERVISE_FAILED);
	struct str unread;
	if (!failed || !wanted)
		return -1;
	if (now_ms < server->look_ms)
		return server->look_ms - now_ms;
	server->look_ms = now_ms + SERVER_RETRY_MS;
	str_init(&unread, 0);
	unsigned again = failed & server_files_changed(server, wanted, &unread);
	str_free(&unread);
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		if (again & 1U << role)
			supervise_again(&server->children[role], now_ms);
	}
	return SERVER_RETRY_MS;
}

/* A role that the configuration no longer needs ends for good. */
static void dismiss(const struct server *server, struct supervised *child, int64_t now_ms)
{
	if (child->state == SUPERVISE_STOPPED || child->state == SUPERVISE_STOPPING)
		return;
	child->state = supervise_alive(child) ? SUPERVISE_STOPPING : SUPERVISE_STOPPED;
	child->due_ms = now_ms + STOP_MS;
	child->trouble[0] = '\0';
	if (!supervise_alive(child))
		return;
	log_info("server=%s role=%s pid=%d is no longer needed", server->name, child_role_name(child->role),
		 (int)child->pid);
	tell_stop(child, server->name, false);
}

static int64_t tend_children(struct server *server, int64_t now_ms)
{
	int64_t next = -1;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		struct supervised *child = &server->children[role];
		if (!(server->needed & 1U << role)) {
			dismiss(server, child, now_ms);
		} else if (child->state == SUPERVISE_STOPPED && server->order < SERVER_END) {
			child->state = SUPERVISE_DOWN;
			child->due_ms = now_ms;
		}
		if (child->state == SUPERVISE_DOWN && now_ms >= child->due_ms && can_start(server, child, now_ms))
			start_child(server, child, now_ms);
		if (child->state == SUPERVISE_DOWN || child->state == SUPERVISE_REPLACING ||
		    child->state == SUPERVISE_STOPPING)
			next = clock_sooner(next, child->due_ms - now_ms);
	}
	return next;
}

int64_t server_tend(struct server *server, int64_t now_ms)
{
	if (server->order == SERVER_END && !(server_alive(server) & 1U << CHILD_SMTPD))
		stop_begin(server, false, now_ms);
	if (server->stopping) {
		int64_t next = stop_tend(server, now_ms);
		if (next >= 0 || server->order >= SERVER_END)
			return next;
		begin_anew(server, now_ms);
	}
	if (server->order == SERVER_END) /* mail of the last sessions is still delivered */
		return clock_sooner(tend_children(server, now_ms), attach_tend(server, now_ms));
	if (!server->open && now_ms >= server->retry_ms)
		open_try(server, now_ms);
	if (!server->open)
		return server->config ? server->retry_ms - now_ms : -1;
	int64_t next = clock_sooner(open_tend(server, now_ms), look_at_files(server, now_ms));
	next = clock_sooner(next, recipient_files_tend(server, now_ms));
	next = clock_sooner(next, renew_tend(server, now_ms));
	next = clock_sooner(next, attach_tend(server, now_ms));
	next = clock_sooner(next, tend_children(server, now_ms));
	next = clock_sooner(next, pulse_tend(server, now_ms));
	return server_settled(server, now_ms) ? next : clock_sooner(next, 1000);
}

void server_go_on(struct server *server, int64_t now_ms)
{
	const struct config_server *wanted = server_wanted(server);
	if (wanted && server->order < SERVER_END)
		listeners_open(&server->listeners, &wanted->listen, true, server->trouble, sizeof(server->trouble));
	server->open = links_open(&server->links) == 0;
	server->opened_ms = now_ms;
	server->listen_ms = now_ms + SERVER_RETRY_MS;
}

/* Starts failed children, and those that were waiting for their next try, at once. */
static void revive(struct server *server, int64_t now_ms)
{
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		enum supervise_state state = server->children[role].state;
		if (state == SUPERVISE_FAILED || state == SUPERVISE_DOWN)
			supervise_again(&server->children[role], now_ms);
	}
	if (!server->open)
		server->retry_ms = now_ms;
}

void server_order(struct server *server, enum server_order order, int64_t now_ms)
{
	bool ending = server->order == SERVER_END;
	server->order = order;
	if (server->stopping)
		return;
	switch (order) {
	case SERVER_STOP:
		stop_begin(server, false, now_ms);
		return;
	case SERVER_END:
		renew_retire_all(server);
		return;
	case SERVER_RUN:
	case SERVER_PAUSE:
		break;
	}
	if (ending)
		begin_anew(server, now_ms);
	revive(server, now_ms);
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		struct supervised *child = &server->children[i];
		if (child->role == CHILD_SMTPD && supervise_alive(child) && child->state != SUPERVISE_RETIRING)
			tell_pause(child, server->name, order == SERVER_PAUSE);
	}
}

void server_reload(struct server *server, uint64_t generation, int64_t now_ms)
{
	if (!server->stopping)
		revive(server, now_ms);
	users_tell_all(server);
	recipient_files_reload(server);
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		struct supervised *child = &server->children[i];
		if (supervise_alive(child))
			tell_reload(child, server->name, generation, str_span(&server->texts[child->role]));
	}
}

/* The child that sessions and operators mean: by role, or that one of the older smtpds. */
static struct supervised *find_child(struct server *server, enum child_role role, size_t older)
{
	if (role >= CHILD_ROLE_COUNT)
		return NULL;
	if (!older)
		return &server->children[role];
	for (size_t i = CHILD_ROLE_COUNT; i < SERVER_CHILDREN; i++) {
		const struct supervised *child = &server->children[i];
		if (child->role == role && supervise_alive(child) && !--older)
			return &server->children[i];
	}
	return NULL;
}

int server_connect(struct server *server, enum child_role role, size_t older, enum child_link link)
{
	struct supervised *child = find_child(server, role, older);
	if (!child)
		return -ENOENT;
	return tell_connect(child, server->name, link);
}
