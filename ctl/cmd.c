#include "ctl/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config.h"
#include "ctl/journal.h"

enum { HOSTNAME_MAX = 256, REPORT_MAX = 1 << 20 };

int cmd_fail(const char *format, ...)
{
	va_list args;
	fflush(stdout);
	fputs(journal_mark(STDERR_FILENO), stderr);
	fputs("mailrootctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILED;
}

char *cmd_run_dir(const struct ctl *ctl)
{
	struct config_report report = {0};
	struct config config = {0};
	char hostname[HOSTNAME_MAX] = "localhost";
	gethostname(hostname, sizeof(hostname) - 1);
	str_init(&report.text, REPORT_MAX);
	struct config_tree *tree = config_read(ctl->options.file, &report);
	/* A running service must be reachable even if its file is broken now. */
	if (!tree || !config_build(tree, hostname, &config, &report))
		fprintf(stderr,
			"mailrootctl: %s has errors (`mailrootctl check` shows them); continuing with the valid settings\n",
			ctl->options.file);
	char *run_dir = strdup(config.run_dir ? config.run_dir : "/run/mailroot");
	config_free(&config);
	config_tree_free(tree);
	str_free(&report.text);
	return run_dir;
}

int cmd_connect(const struct ctl *ctl, int *status)
{
	char why[LINK_TEXT_MAX + 1];
	char *run_dir = cmd_run_dir(ctl);
	int fd = run_dir ? link_to_master(run_dir) : -1;
	if (fd < 0) {
		link_explain(run_dir, fd, why);
		cmd_fail("%s", why);
		*status = fd == -ENOENT || fd == -ECONNREFUSED ? EXIT_NOT_RUNNING : EXIT_FAILED;
		fd = -1;
	}
	free(run_dir);
	return fd;
}

bool cmd_confirm(const struct ctl *ctl, const char *what)
{
	char answer[8] = "";
	if (ctl->options.given & OPTION_YES)
		return true;
	if (!isatty(STDIN_FILENO)) {
		cmd_fail("%s Nothing was done: there is no terminal to ask on, so add --yes", what);
		return false;
	}
	printf("%s Continue? [y/N] ", what);
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	cmd_fail("nothing was done");
	return false;
}
