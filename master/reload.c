#include "master/reload.h"

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "master/changes.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/renew.h"

enum { REPORT_MAX = 1 << 20 };

/* Creates the folders of servers that run or are about to. Mail waits for a folder that can't be created. */
static void make_folders(struct master *master, struct str *undone)
{
	char why[SERVER_WHY_MAX];
	if (!folders_make_alerts(&master->config, why, sizeof(why)))
		str_printf(undone, "alerts: %s\n", why);
	for (size_t i = 0; i < master->server_count; i++) {
		const struct server *server = master->servers[i];
		const struct config_server *wanted = config_server_find(&master->config, span_of(server->name));
		if (wanted && (server->open || server->order == SERVER_RUN) &&
		    !folders_make(&master->config, wanted, &master->owner, why, sizeof(why)))
			str_printf(undone, "server %s: %s\n", server->name, why);
	}
}

/* A changed `enabled` is an order; an unchanged one keeps the operator's last order. */
static void configure(struct master *master, struct server *server, const struct config *old)
{
	const struct config_server *before = config_server_find(old, span_of(server->name));
	const struct config_server *after = config_server_find(&master->config, span_of(server->name));
	int64_t now_ms = clock_mono_ms();
	unsigned roles = 0;
	struct str unread;
	if (before->enabled != after->enabled) {
		server_order(server, after->enabled ? SERVER_RUN : SERVER_END, now_ms);
		return;
	}
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		if (changes_roles(old, &master->config, server->name) & child_role_bit(role))
			roles |= 1U << role;
	}
	str_init(&unread, 0);
	roles |= server_files_changed(server, after, &unread);
	str_free(&unread);
	renew_ask(server, roles, now_ms);
}

static void add_servers(struct master *master, const struct config_tree *tree, struct str *undone)
{
	for (size_t i = 0; i < master->config.server_count; i++) {
		const struct config_server *wanted = &master->config.servers[i];
		if (!master_server(master, span_of(wanted->name)) && !master_add(master, tree, wanted))
			str_printf(
				undone, "server %s: %s\n", wanted->name,
				N_("can't be added now: there is no memory, or too many removed servers still finish their sessions (`mailrootctl status` lists them)"));
	}
}

/* Gives every server of the file its new configuration, and ends servers that are no longer in it. */
static void configure_servers(struct master *master, const struct config_tree *tree, const struct config *old,
			      struct str *undone)
{
	for (size_t i = 0; i < master->server_count; i++) {
		struct server *server = master->servers[i];
		bool ended = !server->config;
		if (!config_server_find(&master->config, span_of(server->name))) {
			server->config = NULL;
			if (!ended && server->order != SERVER_STOP)
				server_order(server, SERVER_END, clock_mono_ms());
		} else if (!server_configure(server, tree, &master->config, master->hostname)) {
			str_printf(undone, "server %s: %s\n", server->name,
				   N_("keeps its old configuration: no memory"));
		} else if (ended) {
			bool enabled = server_wanted(server)->enabled;
			server_order(server, enabled ? SERVER_RUN : SERVER_END, clock_mono_ms());
		} else {
			configure(master, server, old);
		}
	}
	add_servers(master, tree, undone);
}

/*
 * Takes TREE and FRESH; returns the previous tree, for the caller to free. UNDONE gets a line for each thing that could
 * not be done.
 */
static struct config_tree *put_in_force(struct master *master, struct config_tree *tree, const struct config *fresh,
					struct str *undone)
{
	struct config old = master->config;
	struct config_tree *old_tree = master->tree;
	master->config = *fresh;
	master->tree = tree;
	master->generation++;
	configure_servers(master, tree, &old, undone);
	if (globals_configure(&master->globals, tree, &master->config))
		globals_reload(&master->globals, changes_roles(&old, &master->config, ""), master->generation,
			       clock_mono_ms());
	else
		str_printf(undone, "metrics: %s\n", N_("keeps its old configuration: no memory"));
	make_folders(master, undone);
	permit_resolve(&master->config, master->control.permit.starter, &master->control.permit);
	for (size_t i = 0; i < master->server_count; i++)
		server_reload(master->servers[i], master->generation, clock_mono_ms());
	config_free(&old);
	return old_tree;
}

/* Reports files that have the same name but changed content; true when there are any. */
static bool describe_files(const struct master *master, const struct config *fresh, struct str *to)
{
	unsigned roles = 0;
	for (size_t i = 0; i < master->server_count; i++) {
		const struct server *server = master->servers[i];
		const struct config_server *wanted = config_server_find(fresh, span_of(server->name));
		if (wanted && server->open)
			roles |= server_files_changed(server, wanted, to);
	}
	return roles != 0;
}

static bool describe(const struct master *master, const struct config *fresh, struct str *to)
{
	const char *forbidden = changes_forbidden(&master->config, fresh);
	if (forbidden) {
		str_printf(to, N_("%s can't change while the service runs: restore it, or stop and start the service"),
			   forbidden);
		str_append_c(to, '\n');
		return false;
	}
	unsigned changes = changes_describe(&master->config, fresh, to);
	if (!describe_files(master, fresh, to) && !changes)
		str_append_text(to, "nothing changed\n");
	return true;
}

static void log_lines(struct span text, bool good)
{
	struct span line;
	while (span_line(&text, &line)) {
		if (good)
			log_info("reload: %.*s", SPAN_ARGS(line));
		else
			log_error("reload: %.*s", SPAN_ARGS(line));
	}
}

/*
 * Puts a correct file into force, at once or for CONFIRM_MS on probation. TO has the changes; they are logged, and what
 * could not be done is appended.
 */
static enum row_reload take(struct master *master, struct config_tree *tree, const struct config *fresh,
			    int64_t confirm_ms, struct str *to)
{
	struct str undone;
	str_init(&undone, REPORT_MAX);
	notify_send("RELOADING=1");
	log_lines(str_span(to), true);
	struct config_tree *before = put_in_force(master, tree, fresh, &undone);
	log_lines(str_span(&undone), false);
	str_append(to, str_span(&undone));
	enum row_reload result = undone.len ? ROW_PARTLY : ROW_RELOADED;
	str_free(&undone);
	master->probation.went_back = false;
	if (confirm_ms)
		probation_begin(&master->probation, before, clock_mono_ms() + confirm_ms);
	else
		config_tree_free(before);
	notify_send("READY=1");
	return result;
}

static enum row_reload run(struct master *master, bool check, int64_t confirm_ms, struct str *to)
{
	struct config_report report = {0};
	struct config fresh = {0};
	str_init(&report.text, to->max);
	struct config_tree *tree = config_read(master->file, &report);
	bool good = tree && config_build(tree, master->hostname, &fresh, &report);
	str_append(to, str_span(&report.text));
	str_free(&report.text);
	good = good && describe(master, &fresh, to);
	if (good && !check)
		return take(master, tree, &fresh, confirm_ms, to);
	config_free(&fresh);
	config_tree_free(tree);
	if (!check)
		log_lines(str_span(to), false);
	return good ? ROW_RELOADED : ROW_REFUSED;
}

enum row_reload reload_run(struct master *master, bool check, struct str *to)
{
	return run(master, check, 0, to);
}

enum row_reload reload_try(struct master *master, int64_t confirm_ms, struct str *to)
{
	return run(master, false, confirm_ms, to);
}

bool reload_tree(struct master *master, struct config_tree *tree)
{
	struct config_report report = {0};
	struct config fresh = {0};
	struct str to;
	str_init(&report.text, REPORT_MAX);
	str_init(&to, REPORT_MAX);
	bool good = config_build(tree, master->hostname, &fresh, &report);
	if (good) {
		describe(master, &fresh, &to);
		take(master, tree, &fresh, 0, &to);
	} else {
		config_free(&fresh);
		config_tree_free(tree);
	}
	str_free(&to);
	str_free(&report.text);
	return good;
}
