#include "ctl/replay/run.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/cmd.h"
#include "ctl/loaded.h"
#include "ctl/replay/print.h"
#include "ctl/replay/replay_options.h"

enum { EXIT_SAME = 0, EXIT_OTHERWISE = 1, NAMES_MAX = 1000 };

static void print_help(void)
{
	puts(_("usage: mailrootctl replay LOG ... [--config FILE] [--server NAME] [--since TIME] [--json]\n\n"
	       "  Decides each recipient in the transaction logs of an SMTP server again, by the relay rules of a\n"
	       "  configuration. Shows which would be decided otherwise and by which line, which clients there are,\n"
	       "  and the relay list and limits that they need. Needs no running service, and changes nothing.\n\n"
	       "  LOG             a log file in w3c, iis or ncsa format, a folder of *.log, or - for standard input\n"
	       "  --config FILE   the configuration; -c FILE is the same\n"
	       "  --server NAME   the virtual server that decides; needed where there are several\n"
	       "  --since TIME    leave out older rows: 2025-10-09, \"2025-10-09 05:00:00\", or 30d\n\n"
	       "mailrootctl(8) has more."));
}

/* The virtual server NAME, or the only one. NULL: the reason was printed. */
static const struct config_server *choose_server(const struct config *config, const char *name, const char *file)
{
	char names[NAMES_MAX] = "";
	size_t used = 0;
	const struct config_server *server = config_server_find(config, span_of(name));
	if (!name[0] && config->server_count == 1)
		server = &config->servers[0];
	if (server)
		return server;
	for (size_t i = 0; i < config->server_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 config->servers[i].name);
	if (name[0])
		cmd_fail(_("%s has no virtual server %s; it has %s"), file, name, names);
	else
		cmd_fail(_("%s has several virtual servers: add --server NAME, one of %s"), file, names);
	return NULL;
}

static int finish(struct replay *replay, const struct replay_options *options)
{
	census_sort(&replay->census);
	traffic_sort(&replay->traffic);
	if (options->json)
		print_json(replay, options->file);
	else
		print_text(replay, options->file);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cmd_fail(_("can't write to standard output"));
		return EXIT_USAGE;
	}
	if (replay->reader.unread || !replay_compared(replay))
		return EXIT_USAGE;
	return replay->otherwise ? EXIT_OTHERWISE : EXIT_SAME;
}

static int replay_logs(const struct config_server *server, const struct replay_options *options)
{
	static struct replay replay;
	int status = EXIT_USAGE;
	if (replay_init(&replay, server, options->since_s)) {
		for (size_t i = 0; i < options->path_count; i++)
			reader_read(&replay.reader, options->paths[i]);
		status = finish(&replay, options);
	} else {
		cmd_fail(_("no memory"));
	}
	replay_free(&replay);
	return status;
}

static int replay_with(const struct replay_options *options)
{
	struct loaded loaded;
	int status = EXIT_USAGE;
	loaded_read(options->file, &loaded);
	if (loaded.good) {
		const struct config_server *server = choose_server(&loaded.config, options->server, options->file);
		status = server ? replay_logs(server, options) : EXIT_USAGE;
	} else {
		fputs(str_text(&loaded.report.text), stderr);
		cmd_fail(ngettext("%s has %u error: without a valid configuration nothing can be compared",
				  "%s has %u errors: without a valid configuration nothing can be compared",
				  loaded.report.errors),
			 options->file, loaded.report.errors);
	}
	loaded_free(&loaded);
	return status;
}

int run_replay(int argc, char **argv)
{
	struct replay_options options;
	char why[REPLAY_OPTIONS_WHY_MAX];
	language_init();
	if (!replay_options_parse(argc, argv, clock_wall_ms() / 1000, &options, why)) {
		cmd_fail(_("%s; `mailrootctl replay --help` shows the usage"), why);
		return EXIT_USAGE;
	}
	if (options.json)
		language_english();
	if (options.help) {
		print_help();
		return EXIT_SAME;
	}
	return replay_with(&options);
}
