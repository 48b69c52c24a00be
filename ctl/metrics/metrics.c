#include "ctl/metrics/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "ctl/cmd.h"
#include "ctl/loaded.h"
#include "ctl/metrics/render.h"
#include "ctl/programs.h"

static int refuse(const char *why)
{
	cmd_fail("%s", why);
	programs_print_usage("metrics", NULL, stderr);
	return EXIT_USAGE;
}

static int print_text(struct str *text)
{
	int status = EXIT_DONE;
	if (text->failed)
		status = cmd_fail(_("no memory"));
	else if (fwrite(str_text(text), 1, text->len, stdout) != text->len || fflush(stdout))
		status = cmd_fail(_("can't write: %s"), strerror(errno));
	str_free(text);
	return status;
}

static int print(struct ctl *ctl, enum exposition_format format)
{
	static struct scrape scrape;
	struct loaded loaded;
	char said[LINK_TEXT_MAX + 1];
	struct str text;
	int status;
	int fd = cmd_connect(ctl, &status);
	char *run_dir = cmd_run_dir(ctl);
	if (fd < 0 || !run_dir) {
		free(run_dir);
		return fd < 0 ? status : cmd_fail(_("no memory"));
	}
	fd_close(&fd);
	str_init(&text, RENDER_MAX);
	loaded_read(ctl->options.file, &loaded);
	bool good = scrape_ask(run_dir, &scrape, said);
	if (good)
		render(&scrape, format, loaded.good && loaded.config.metrics.windows_names, &text);
	status = good ? print_text(&text) : cmd_fail("%s", said);
	scrape_free(&scrape);
	loaded_free(&loaded);
	free(run_dir);
	return status;
}

int metrics_run(int argc, char **argv)
{
	static struct ctl ctl;
	const struct options *options = &ctl.options;
	char why[OPTIONS_WHY_MAX];
	log_open("mailroot-metrics", NULL);
	language_init();
	if (!options_parse(argc, argv, &ctl.options, why))
		return refuse(why);
	if (options->version) {
		printf("mailroot-metrics %s\n", MAILROOT_VERSION);
		return EXIT_DONE;
	}
	if (options->help) {
		programs_print_usage("metrics", NULL, stdout);
		return EXIT_DONE;
	}
	if (options->given) {
		snprintf(why, sizeof(why), _("`metrics` has no option --%s"),
			 options_name(options->given & -options->given));
		return refuse(why);
	}
	size_t words = options->word_count;
	bool open = words == 1 && strcmp(options->words[0], "openmetrics") == 0;
	if (words > 1)
		return refuse(_("too many arguments"));
	if (words && !open)
		return refuse(_("the only other format is openmetrics"));
	return print(&ctl, open ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS);
}
