#include "ctl/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/mail/address.h"
#include "ctl/journal.h"
#include "ctl/loaded.h"
#include "ctl/service.h"

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
	struct loaded loaded;
	loaded_read(ctl->options.file, &loaded);
	/* A running service must be reachable even if its file is broken now. */
	if (!loaded.good)
		fprintf(stderr,
			_("mailrootctl: %s has errors (`mailrootctl check` shows them); the running service is asked all the same\n"),
			ctl->options.file);
	char *run_dir = strdup(loaded.config.run_dir ? loaded.config.run_dir : "/run/mailroot");
	loaded_free(&loaded);
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
		cmd_fail(_("%s Nothing was done: there is no terminal to ask on, so add --yes"), what);
		return false;
	}
	printf(_("%s Continue? [y/N] "), what);
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	cmd_fail(_("nothing was done"));
	return false;
}

char *cmd_choose_server(struct ctl *ctl, int *status)
{
	static struct service service;
	char said[LINK_TEXT_MAX + 1];
	char *name = NULL;
	int fd = cmd_connect(ctl, status);
	if (fd < 0)
		return NULL;
	*status = EXIT_FAILED;
	if (!service_ask(fd, &service, said))
		cmd_fail("%s", said);
	else if (ctl->options.server[0])
		name = strdup(ctl->options.server);
	else if (service.server_count == 1)
		name = strdup(service.servers[0].name);
	else
		cmd_fail(_("there are %zu virtual servers: add --server NAME (`mailrootctl status` lists them)"),
			 service.server_count);
	service_free(&service);
	fd_close(&fd);
	return name;
}

/* Octets, "35M" as in the configuration. */
static bool parse_size(const char *text, uint64_t *size)
{
	size_t len = strlen(text);
	const char *unit = len ? strchr("KMG", text[len - 1]) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(1 + (unit - "KMG")) : 0;
	if (!span_to_u64((struct span){text, unit ? len - 1 : len}, UINT64_C(1) << 40 >> shift, size))
		return false;
	*size <<= shift;
	return true;
}

bool cmd_mail_good(const struct ctl *ctl, uint64_t *size)
{
	struct address from;
	const char *why;
	*size = 0;
	if (strcmp(ctl->options.from, "<>") != 0 && !address_parse(span_of(ctl->options.from), &from, &why))
		cmd_fail(_("--from %s: %s"), ctl->options.from, _(why));
	else if (ctl->options.size[0] && !parse_size(ctl->options.size, size))
		cmd_fail(_("--size %s: not a size such as 500K, 2M or 1G"), ctl->options.size);
	else
		return true;
	return false;
}
