#include "master/reload.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "master/changes.h"
#include "master/master.h"
#include "master/notify.h"

/* Every server that is still in the file gets its texts, or none does. */
static bool configure_servers(struct master *master, const struct config_tree *tree)
{
	for (size_t i = 0; i < master->server_count; i++) {
		struct server *server = &master->servers[i];
		if (!config_server_find(&master->config, span_of(server->name))) {
			server->config = NULL;
			continue;
		}
		if (!server_configure(server, tree, &master->config, master->hostname))
			log_error("server=%s keeps its old configuration: no memory", server->name);
	}
	return true;
}

static void put_in_force(struct master *master, const struct config_tree *tree, struct config *fresh)
{
	struct config old = master->config;

	master->config = *fresh;
	master->generation++;
	configure_servers(master, tree);
	permit_resolve(&master->config, master->control.permit.starter, &master->control.permit);
	for (size_t i = 0; i < master->server_count; i++)
		server_reload(&master->servers[i], master->generation, clock_mono_ms());
	config_free(&old);
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

bool reload_run(struct master *master, bool check, struct str *to)
{
	struct config_report report = {0};
	struct config fresh = {0};
	struct changes count = {0};

	str_init(&report.text, to->max);
	struct config_tree *tree = config_read(master->file, &report);
	bool good = tree && config_build(tree, master->hostname, &fresh, &report);
	str_append(to, str_span(&report.text));
	str_free(&report.text);
	if (good) {
		changes_describe(&master->config, &fresh, &count, to);
		if (!count.now && !count.restart)
			str_append_text(to, "nothing changed\n");
	}
	if (!check)
		log_lines(str_span(to), good);
	if (good && !check) {
		notify_send("RELOADING=1");
		put_in_force(master, tree, &fresh);
		notify_send("READY=1");
	} else {
		config_free(&fresh);
	}
	config_tree_free(tree);
	return good;
}
