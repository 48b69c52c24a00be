#include "master/master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/process/privs.h"
#include "master/daemon.h"
#include "master/folders.h"
#include "master/handed.h"
#include "master/hear.h"
#include "master/notify.h"
#include "master/reload.h"
#include "master/spawn.h"
#include "master/stop.h"

enum {
	REPORT_MAX = 1 << 20,
	POLL_MAX = 3 + CONTROL_CLIENTS_MAX + GLOBALS_MAX + MASTER_SERVERS_MAX * SERVER_CHILDREN,
	LOG_AGAIN_MS = 30000, /* how long a restarted syslog daemon may go unnoticed */
};

struct server *master_server(struct master *master, struct span name)
{
	for (size_t i = 0; i < master->server_count; i++) {
		if (span_equal(span_of(master->servers[i]->name), name))
			return master->servers[i];
	}
	return NULL;
}

/* NULL: no room. */
static struct server *new_server(struct master *master, const char *name)
{
	struct server *server = master->server_count < MASTER_SERVERS_MAX ? malloc(sizeof(*server)) : NULL;
	if (server && !server_init(server, name, master->programs, &master->owner, &master->listeners)) {
		server_free(server);
		free(server);
		return NULL;
	}
	return server;
}

struct server *master_add_ended(struct master *master, const char *name)
{
	struct server *server = new_server(master, name);
	if (server)
		master->servers[master->server_count++] = server;
	return server;
}

bool master_add(struct master *master, const struct config_tree *tree, const struct config_server *config)
{
	struct server *server = new_server(master, config->name);
	if (!server)
		return false;
	if (!server_configure(server, tree, &master->config, master->hostname)) {
		server_free(server);
		free(server);
		return false;
	}
	server_order(server, config->enabled ? SERVER_RUN : SERVER_STOP, clock_mono_ms());
	master->servers[master->server_count++] = server;
	return true;
}

static void drop_server(struct master *master, size_t at)
{
	server_free(master->servers[at]);
	free(master->servers[at]);
	master->server_count--;
	memmove(&master->servers[at], &master->servers[at + 1],
		(master->server_count - at) * sizeof(master->servers[0]));
}

/* Frees servers that a reload removed and that have stopped. */
static void drop_ended(struct master *master)
{
	for (size_t i = master->server_count; i-- > 0;) {
		struct server *server = master->servers[i];
		if (!server->config && server_state(server) == SERVER_STOPPED)
			drop_server(master, i);
	}
}

static bool make_servers(struct master *master, const struct config_tree *tree)
{
	const struct config *config = &master->config;
	for (size_t i = 0; i < config->server_count; i++) {
		if (master_add(master, tree, &config->servers[i]))
			continue;
		fprintf(stderr, _("mailrootd: virtual server %s: its name is too long, or there is no memory\n"),
			config->servers[i].name);
		return false;
	}
	return true;
}

bool master_configure(struct master *master, const char *file)
{
	struct config_report report = {0};
	*master = (struct master){
		.file = file, .signal_fd = -1, .lock_fd = -1, .report_fd = -1, .began_ms = clock_wall_ms()};
	control_init(&master->control);
	globals_init(&master->globals);
	upgrade_init(&master->upgrade);
	if (gethostname(master->hostname, sizeof(master->hostname) - 1) || !master->hostname[0])
		snprintf(master->hostname, sizeof(master->hostname), "localhost");
	spawn_find_programs(master->programs, sizeof(master->programs));
	str_init(&report.text, REPORT_MAX);
	struct config_tree *tree = config_read(file, &report);
	bool good = tree && config_build(tree, master->hostname, &master->config, &report);
	fputs(str_text(&report.text), stderr);
	if (!good)
		fprintf(stderr,
			ngettext("mailrootd: %u error in the configuration; nothing was started\n",
				 "mailrootd: %u errors in the configuration; nothing was started\n", report.errors),
			report.errors);
	str_free(&report.text);
	good = good && make_servers(master, tree) && globals_configure(&master->globals, tree, &master->config);
	master->tree = tree;
	return good;
}

static void look_up_accounts(struct master *master)
{
	uid_t uid;
	privs_lookup(master->config.user, &master->owner.queue_uid, &master->owner.queue_gid);
	privs_lookup(master->config.smtpd_user, &uid, &master->owner.smtpd_gid);
	/* Init that hands sockets over starts it as one of the service's own users, which gives no orders. */
	permit_resolve(&master->config, handed_any() ? 0 : geteuid(), &master->control.permit);
}

static bool take_lock(struct master *master)
{
	const char *run_dir = master->config.run_dir;
	int other;
	int err = folders_make_path(run_dir);
	if (err) {
		log_error("can't create run_dir %s: %s", run_dir, strerror(-err));
		return false;
	}
	master->lock_fd = daemon_lock(run_dir, &other);
	if (master->lock_fd == -EWOULDBLOCK)
		log_error("mailrootd already runs with this run_dir (%s), pid %d; see `mailrootctl status`", run_dir,
			  other);
	else if (master->lock_fd == -EMEDIUMTYPE)
		log_error("%s/mailrootd.pid is a link or no regular file, and is not written to: remove it", run_dir);
	else if (master->lock_fd < 0)
		log_error("can't create %s/mailrootd.pid: %s; is run_dir writable for this user?", run_dir,
			  strerror(-master->lock_fd));
	return master->lock_fd >= 0;
}

static bool take_signals(struct master *master)
{
	const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	master->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return master->signal_fd >= 0;
}

bool master_start(struct master *master)
{
	look_up_accounts(master);
	if (master->lock_fd < 0 && !take_lock(master))
		return false;
	if (!take_signals(master)) {
		log_error("no signal descriptor: %s", strerror(errno));
		return false;
	}
	char why[SERVER_WHY_MAX];
	if (!folders_make_alerts(&master->config, why, sizeof(why)))
		log_error("alerts: %s", why);
	int err = control_open(&master->control, master->config.run_dir);
	if (err) {
		log_error("can't create the control socket %s: %s", master->control.path, strerror(-err));
		return false;
	}
	log_info("version=%s pid=%d configuration=%s servers=%zu starting", MAILROOT_VERSION, (int)getpid(),
		 master->file, master->server_count);
	return true;
}

void master_stop(struct master *master, bool hurry)
{
	if (!master->stopping) {
		log_info("stopping");
		notify_send("STOPPING=1");
	}
	master->stopping = true;
	globals_stop(&master->globals, clock_mono_ms());
	for (size_t i = 0; i < master->server_count; i++) {
		server_order(master->servers[i], SERVER_STOP, clock_mono_ms());
		if (hurry)
			stop_begin(master->servers[i], true, clock_mono_ms());
	}
}

static void reap(struct master *master)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		size_t i = 0;
		if (upgrade_checked(master, pid, status) ||
		    globals_gone(&master->globals, pid, status, clock_mono_ms()))
			continue;
		while (i < master->server_count && !server_gone(master->servers[i], pid, status, clock_mono_ms()))
			i++;
	}
}

static void reload_by_signal(struct master *master)
{
	struct str report;
	str_init(&report, REPORT_MAX);
	reload_run(master, false, &report); /* the reload logs its report itself */
	str_free(&report);
}

static void upgrade_by_signal(struct master *master)
{
	upgrade_begin(master, false, -1);
}

static void receive_signals(struct master *master)
{
	struct signalfd_siginfo info;
	while (read(master->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_by_signal(master);
		else if (info.ssi_signo == SIGUSR2)
			upgrade_by_signal(master);
		else if (info.ssi_signo != SIGCHLD) /* a second signal hurries the stop */
			master_stop(master, master->stopping);
	}
}

/* The state of the servers for the starting process. */
static void summarize(const struct master *master, struct str *to, size_t *running)
{
	*running = 0;
	for (size_t i = 0; i < master->server_count; i++) {
		const struct server *server = master->servers[i];
		enum server_state state = server_state(server);
		*running += state == SERVER_RUNNING;
		if (server->trouble[0])
			str_printf(to, "mailrootd: server %s is not %s: %s. It is tried again every 10 seconds.\n",
				   server->name, server->open ? "complete" : "running", server->trouble);
		else if (server->order == SERVER_RUN && state != SERVER_RUNNING)
			str_printf(to, "mailrootd: server %s is not running (%s); the log has the reason\n",
				   server->name, server_state_name(state));
	}
}

/* TROUBLE is what has to be said of the servers. */
static void answer_upgrade(struct master *master, struct span trouble)
{
	struct control_client asker = {.fd = master->upgrade.asker};
	if (asker.fd < 0)
		return;
	control_text(&asker, trouble);
	upgrade_answer(&master->upgrade, trouble.len != 0,
		       trouble.len ? "version " MAILROOT_VERSION " has taken over, but not all of it works"
				   : "version " MAILROOT_VERSION " has taken over");
}

/* When every server runs or has reported a problem, tells init and the starting process. */
static void announce(struct master *master, int64_t now_ms)
{
	struct str text;
	size_t running;
	if (master->announced || master->stopping)
		return;
	for (size_t i = 0; i < master->server_count; i++) {
		if (!server_settled(master->servers[i], now_ms))
			return;
	}
	master->announced = true;
	str_init(&text, 3000);
	summarize(master, &text, &running);
	handed_report_idle();
	notify_send("READY=1");
	log_info("ready servers=%zu running=%zu", master->server_count, running);
	daemon_report(&master->report_fd, 0, str_text(&text));
	answer_upgrade(master, str_span(&text));
	str_free(&text);
}

/* Does everything that is due by the clock. Milliseconds until the next task, -1 = none. */
static int64_t tend(struct master *master)
{
	int64_t now_ms = clock_mono_ms();
	int64_t next = clock_sooner(control_tend(&master->control, now_ms), probation_tend(master, now_ms));
	next = clock_sooner(next, notify_alive(now_ms));
	next = clock_sooner(next, upgrade_tend(&master->upgrade, now_ms));
	for (size_t i = 0; i < master->server_count; i++)
		next = clock_sooner(next, server_tend(master->servers[i], now_ms));
	drop_ended(master);
	announce(master, now_ms);
	if (master->announced || master->stopping)
		next = clock_sooner(next, globals_tend(&master->globals, master->programs, now_ms));
	return clock_sooner(next, LOG_AGAIN_MS);
}

static bool all_stopped(const struct master *master)
{
	for (size_t i = 0; i < master->server_count; i++) {
		if (server_state(master->servers[i]) != SERVER_STOPPED)
			return false;
	}
	return master->stopping && !globals_alive(&master->globals);
}

/* Descriptors in a fixed order: signals, control socket, an upgrade, clients, the children of the whole
 * service, then those of the servers; poll skips -1. */
static size_t fill_poll(const struct master *master, struct pollfd *polled)
{
	size_t n = 0;
	polled[n++].fd = master->signal_fd;
	polled[n++].fd = master->control.fd;
	polled[n++].fd = master->upgrade.output;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		polled[n++].fd = master->control.clients[i].fd;
	for (size_t i = 0; i < GLOBALS_MAX; i++)
		polled[n++].fd = master->globals.children[i].control;
	for (size_t i = 0; i < master->server_count; i++) {
		for (size_t child = 0; child < SERVER_CHILDREN; child++)
			polled[n++].fd = master->servers[i]->children[child].control;
	}
	for (size_t i = 0; i < n; i++) {
		polled[i].events = POLLIN;
		polled[i].revents = 0;
	}
	return n;
}

static void serve(struct master *master, const struct pollfd *polled)
{
	/* A client that was dropped, or a child that ended, in this round has another descriptor now: check before
	 * use. */
	const struct pollfd *client = polled + 3, *global = client + CONTROL_CLIENTS_MAX, *child = global + GLOBALS_MAX;
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		if (global[i].revents && global[i].fd == master->globals.children[i].control)
			globals_hear(&master->globals, i);
	}
	for (size_t i = 0; i < master->server_count; i++) {
		for (size_t at = 0; at < SERVER_CHILDREN; at++, child++) {
			if (child->revents && child->fd == master->servers[i]->children[at].control)
				hear_child(master->servers[i], at);
		}
	}
	if (polled[2].revents)
		upgrade_hear(&master->upgrade);
	if (polled[0].revents)
		receive_signals(master);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (client[i].revents && client[i].fd == master->control.clients[i].fd)
			control_receive(&master->control, master, &master->control.clients[i]);
	}
	if (polled[1].revents)
		control_accept(&master->control, clock_mono_ms());
}

void master_free(struct master *master)
{
	while (master->server_count)
		drop_server(master, master->server_count - 1);
	globals_free(&master->globals);
	probation_confirm(&master->probation);
	upgrade_free(&master->upgrade);
	config_tree_free(master->tree);
	config_free(&master->config);
}

int master_run(struct master *master)
{
	struct pollfd polled[POLL_MAX];
	int64_t logged_ms = clock_mono_ms();
	for (;;) {
		/* In each turn: an execve (upgrade.h) between a SIGCHLD and waitpid loses the signal. */
		reap(master);
		int64_t wait_ms = tend(master);
		if (all_stopped(master))
			break;
		size_t n = fill_poll(master, polled);
		int ready = poll(polled, n, (int)wait_ms);
		if (ready > 0)
			serve(master, polled);
		else if (ready < 0)
			fd_rest(errno);
		if (clock_mono_ms() - logged_ms >= LOG_AGAIN_MS) {
			logged_ms = clock_mono_ms();
			daemon_log_again();
		}
	}
	log_info("stopped");
	daemon_report(&master->report_fd, 1, "mailrootd: stopped before it was ready\n");
	control_close(&master->control);
	master_free(master);
	return 0;
}
