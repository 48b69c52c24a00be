#include "master/requests.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/rows.h"
#include "common/net/net.h"
#include "master/attach.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/users.h"

enum { NUMBER_MAX = 24, REPORT_MAX = 1 << 20, VERDICT_MAX = 200 };

static const char *number(int64_t value, char to[NUMBER_MAX])
{
	snprintf(to, NUMBER_MAX, "%" PRId64, value);
	return to;
}

/* SERVER: its name, "" for a process of the whole service. */
static bool process_row(struct control_client *client, const char *server, const struct supervised *child,
			const char *state, int64_t now_ms)
{
	char pid[NUMBER_MAX], since[NUMBER_MAX], restarts[NUMBER_MAX];
	int64_t age_ms = supervise_alive(child) ? now_ms - child->started_ms : 0;
	const char *cells[] = {server,
			       child_role_name(child->role),
			       state,
			       number(child->pid, pid),
			       number(age_ms / 1000, since),
			       number((int64_t)child->restarts, restarts),
			       child->why,
			       child->version};
	return control_row(client, ROW_PROCESS, cells, sizeof(cells) / sizeof(cells[0]));
}

/* A process that only finishes its sessions has a successor that reports for both. */
static bool attention_rows(struct control_client *client, const char *server, const struct supervised *child)
{
	struct span rest = span_of(child->state == SUPERVISE_RETIRING ? "" : child->trouble), line;
	char pid[NUMBER_MAX], text[SUPERVISE_TROUBLE_MAX + 1];
	while (span_line(&rest, &line)) {
		span_copy(line, text, sizeof(text));
		const char *cells[] = {server, child_role_name(child->role), number(child->trouble_pid, pid), text};
		if (!control_row(client, ROW_ATTENTION, cells, sizeof(cells) / sizeof(cells[0])))
			return false;
	}
	return true;
}

static void append_listeners(const struct listeners *listeners, struct str *to)
{
	for (size_t i = 0; i < listeners->n; i++) {
		struct sockaddr_storage name;
		socklen_t len = sizeof(name);
		struct ipaddr ip;
		uint16_t port;
		char text[NET_TEXT_MAX];
		if (getsockname(listeners->fds[i], (struct sockaddr *)&name, &len))
			continue;
		net_address(&name, &ip, &port);
		net_format(&ip, port, text);
		str_printf(to, "%s%s", i ? " " : "", text);
	}
}

static const char *trouble_of(const struct server *server)
{
	const struct config_server *wanted = server_wanted(server);
	if (server_state(server) != SERVER_STOPPED && wanted)
		return server->trouble;
	if (!wanted)
		return N_("it is no longer in the configuration");
	return wanted->enabled ? "" : N_("the configuration says `enabled no`");
}

static const char *state_of(const struct server *server, const struct supervised *child)
{
	bool attached = child->state != SUPERVISE_READY || !attach_missing(server, child->role);
	return attached ? supervise_state_name(child->state) : "detached";
}

static bool server_rows(struct control_client *client, const struct server *server, int64_t now_ms)
{
	struct str listening;
	str_init(&listening, LISTENERS_MAX * (size_t)NET_TEXT_MAX);
	append_listeners(&server->listeners, &listening);
	const char *cells[] = {server->name, server_state_name(server_state(server)), trouble_of(server),
			       str_text(&listening)};
	bool good = control_row(client, ROW_SERVER, cells, sizeof(cells) / sizeof(cells[0]));
	str_free(&listening);
	for (size_t i = 0; good && i < SERVER_CHILDREN; i++) {
		const struct supervised *child = &server->children[i];
		if (supervise_alive(child) || (i < CHILD_ROLE_COUNT && server->needed & 1U << i))
			good = process_row(client, server->name, child, state_of(server, child), now_ms);
	}
	for (size_t i = 0; good && i < SERVER_CHILDREN; i++)
		good = attention_rows(client, server->name, &server->children[i]);
	return good;
}

static bool global_rows(struct control_client *client, const struct globals *globals, int64_t now_ms)
{
	bool good = true;
	for (size_t i = 0; good && i < GLOBALS_MAX; i++) {
		const struct supervised *child = &globals->children[i];
		if (globals->needed & 1U << i)
			good = process_row(client, "", child, supervise_state_name(child->state), now_ms) &&
			       attention_rows(client, "", child);
	}
	return good;
}

static bool answer_status(struct master *master, struct control_client *client, struct span packet)
{
	char pid[NUMBER_MAX], since[NUMBER_MAX], generation[NUMBER_MAX], confirm[NUMBER_MAX] = "";
	int64_t now_ms = clock_mono_ms();
	const struct probation *probation = &master->probation;
	struct wire_ctl_status request;
	if (!wire_decode_ctl_status(packet, &request))
		return false;
	if (probation->before)
		number(probation->until_ms > now_ms ? (probation->until_ms - now_ms + 999) / 1000 : 0, confirm);
	const char *cells[] = {MAILROOT_VERSION,
			       number(getpid(), pid),
			       number((clock_wall_ms() - master->began_ms) / 1000, since),
			       master->file,
			       number((int64_t)master->generation, generation),
			       confirm,
			       probation->went_back ? "yes" : ""};
	bool good = control_row(client, ROW_SERVICE, cells, sizeof(cells) / sizeof(cells[0]));
	good = good && global_rows(client, &master->globals, now_ms);
	for (size_t i = 0; good && i < master->server_count; i++)
		good = server_rows(client, master->servers[i], now_ms);
	if (good)
		control_done(client, 0, "", -1);
	return false;
}

static bool answer_confirmed(struct master *master, struct control_client *client)
{
	if (probation_confirm(&master->probation)) {
		log_info("reload: confirmed");
		control_done(client, 0, "confirmed; the configuration stays in force", -1);
	} else {
		control_done(
			client, 1,
			master->probation.went_back
				? N_("too late: the previous configuration is already in force again; `mailrootctl reload` applies the file again")
				: N_("no reload waits for a confirmation"),
			-1);
	}
	return false;
}

static void tell_reload(const struct master *master, const struct wire_ctl_reload *request, enum row_reload result,
			char *to)
{
	int64_t left_ms = master->probation.until_ms - clock_mono_ms();
	char left[CLOCK_TEXT_MAX];
	clock_duration(left_ms > 0 ? left_ms : 0, left);
	if (result == ROW_REFUSED)
		snprintf(to, VERDICT_MAX, "the configuration was refused; the old one stays in force");
	else if (request->check)
		snprintf(to, VERDICT_MAX, N_("the configuration is good; nothing was changed"));
	else if (master->probation.before)
		snprintf(to, VERDICT_MAX, N_("reloaded; undone in %s unless confirmed: mailrootctl reload --confirmed"),
			 left);
	else
		snprintf(to, VERDICT_MAX, "reloaded");
}

static bool answer_reload(struct master *master, struct control_client *client, struct span packet)
{
	struct wire_ctl_reload request;
	struct str report;
	char verdict[VERDICT_MAX];
	if (!wire_decode_ctl_reload(packet, &request))
		return false;
	if (request.confirmed)
		return answer_confirmed(master, client);
	str_init(&report, REPORT_MAX);
	enum row_reload result = request.confirm_s ? reload_try(master, (int64_t)request.confirm_s * 1000, &report)
						   : reload_run(master, request.check, &report);
	tell_reload(master, &request, result, verdict);
	if (control_text(client, str_span(&report)))
		control_done(client, result, verdict, -1);
	str_free(&report);
	return false;
}

static bool answer_stop(struct master *master, struct control_client *client, struct span packet)
{
	struct wire_ctl_stop request;
	if (!wire_decode_ctl_stop(packet, &request))
		return false;
	master_stop(master, request.now);
	/* The end of the connection shows that the service has stopped. */
	client->until_ms = INT64_MAX;
	return control_done(client, 0, "stopping", -1);
}

static bool answer_upgrade(struct master *master, struct control_client *client, struct span packet)
{
	struct wire_ctl_upgrade request;
	if (!wire_decode_ctl_upgrade(packet, &request))
		return false;
	const char *why = upgrade_begin(master, request.check, client->fd);
	if (why)
		control_done(client, 1, why, -1);
	else
		client->fd = -1; /* the upgrade answers */
	return false;
}

static void connect_alerts(struct master *master, struct control_client *client)
{
	int fd = globals_connect(&master->globals, CHILD_ALERTS);
	if (fd == -ENOENT)
		control_done(client, 1, N_("the configuration has no block `alert` with `to` or `command`"), -1);
	else if (fd < 0)
		control_done(client, 1, N_("mailroot-alerts is not ready; see `mailrootctl status`"), -1);
	else
		control_done(client, 0, "", fd);
	fd_close(&fd);
}

static bool answer_connect(struct master *master, struct control_client *client, struct span packet)
{
	struct wire_ctl_connect request;
	char text[256];
	if (!wire_decode_ctl_connect(packet, &request))
		return false;
	if (request.kind == CHILD_ALERTS && client->link == WIRE_LINK_ctl_master) {
		connect_alerts(master, client);
		return false;
	}
	struct server *server = master_server(master, request.server);
	bool known = request.kind == CHILD_QUEUE || request.kind == CHILD_SMTPD ||
		     (request.kind == CHILD_WEB && client->link == WIRE_LINK_ctl_master);
	if (!server || !known) {
		snprintf(text, sizeof(text), N_("there is no virtual server %.*s; `mailrootctl status` lists them"),
			 SPAN_ARGS(request.server));
		control_done(client, 1, text, -1);
		return false;
	}
	if (!(server->needed & 1U << request.kind)) {
		snprintf(
			text, sizeof(text),
			N_("server %s uses no access tokens: no outbound block in it has auth xoauth2 or auth oauthbearer"),
			server->name);
		control_done(client, 1, text, -1);
		return false;
	}
	int fd = server_connect(server, (enum child_role)request.kind, (size_t)request.older,
				client->link == WIRE_LINK_ctl_master ? CHILD_LINK_CTL : CHILD_LINK_STATUS);
	if (fd < 0) {
		snprintf(text, sizeof(text),
			 N_("can't ask the %s process of server %s now (%s); see `mailrootctl status`"),
			 child_role_name((enum child_role)request.kind), server->name,
			 fd == -EAGAIN ? N_("it is not ready") : strerror(-fd));
		control_done(client, 1, text, -1);
		return false;
	}
	control_done(client, 0, "", fd);
	fd_close(&fd);
	return false;
}

static bool answer_counters(struct master *master, struct control_client *client, struct span packet)
{
	struct wire_ctl_counters request;
	bool good = true;
	if (!wire_decode_ctl_counters(packet, &request))
		return false;
	for (size_t i = 0; good && i < master->server_count; i++) {
		int page = links_counters(&master->servers[i]->links);
		if (page >= 0)
			good = control_page(client, master->servers[i]->name, page);
	}
	if (good)
		control_done(client, 0, "", -1);
	return false;
}

static bool answer_users(struct master *master, struct control_client *client, struct span packet)
{
	struct wire_ctl_users request;
	if (!wire_decode_ctl_users(packet, &request))
		return false;
	for (size_t i = 0; i < master->server_count; i++)
		users_tell_all(master->servers[i]);
	control_done(client, 0, "", -1);
	return false;
}

/* Why ACTION is impossible for SERVER; NULL = it is possible. */
static const char *refusal(const struct server *server, enum row_server_action action)
{
	bool runs = server->order == SERVER_RUN || server->order == SERVER_PAUSE;
	if (!server->config)
		return N_("it is no longer in the configuration");
	if (action == ROW_PAUSE && !runs)
		return N_("it is stopped: only a running server can be paused");
	if (action == ROW_CONTINUE && !runs)
		return N_("it is stopped, not paused: `mailrootctl server start NAME` starts it");
	return NULL;
}

static void act(struct server *server, enum row_server_action action)
{
	static const struct {
		enum server_order order;
		const char *word;
	} orders[] = {
		[ROW_START] = {SERVER_RUN, "start"},
		[ROW_STOP] = {SERVER_STOP, "stop"},
		[ROW_PAUSE] = {SERVER_PAUSE, "pause"},
		[ROW_CONTINUE] = {SERVER_RUN, "continue"},
	};
	log_info("server=%s %s, ordered by an operator", server->name, orders[action].word);
	server_order(server, orders[action].order, clock_mono_ms());
}

/* One server or all; with all, servers for which the action is impossible are skipped. */
static bool answer_server(struct master *master, struct control_client *client, struct span packet)
{
	struct wire_ctl_server request;
	char text[256];
	size_t found = 0;
	if (!wire_decode_ctl_server(packet, &request) || request.action < ROW_START || request.action > ROW_CONTINUE)
		return false;
	enum row_server_action action = (enum row_server_action)request.action;
	for (size_t i = 0; i < master->server_count; i++) {
		struct server *server = master->servers[i];
		if (request.server.len && !span_equal(request.server, span_of(server->name)))
			continue;
		found++;
		const char *why = refusal(server, action);
		if (why && request.server.len) {
			snprintf(text, sizeof(text), "server %s: %s", server->name, why);
			control_done(client, 1, text, -1);
			return false;
		}
		if (!why)
			act(server, action);
	}
	snprintf(text, sizeof(text), N_("there is no virtual server %.*s; `mailrootctl status` lists them"),
		 SPAN_ARGS(request.server));
	control_done(client, !found, found ? "" : text, -1);
	return false;
}

bool requests_answer(struct master *master, struct control_client *client, struct span packet)
{
	switch (wire_admit(client->link, WIRE_UP, packet)) {
	case WIRE_ctl_status:
		return answer_status(master, client, packet);
	case WIRE_ctl_reload:
		return answer_reload(master, client, packet);
	case WIRE_ctl_counters:
		return answer_counters(master, client, packet);
	case WIRE_ctl_users:
		return answer_users(master, client, packet);
	case WIRE_ctl_stop:
		return answer_stop(master, client, packet);
	case WIRE_ctl_upgrade:
		return answer_upgrade(master, client, packet);
	case WIRE_ctl_server:
		return answer_server(master, client, packet);
	case WIRE_ctl_connect:
		return answer_connect(master, client, packet);
	default:
		return false;
	}
}
