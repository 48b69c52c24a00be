/*
 * Writes what is made of settings.def and iis.def into the checked-in copies (`ninja docs`): config-doc MAILROOT.CONF
 * MAILROOT.CONF.5 IIS-PROPERTIES.MD. In the pages only what stands between the two marks is replaced.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/config/config.h"
#include "ctl/import/iis.h"

enum { TEXT_MAX = 1 << 20 };

static void die(const char *path, const char *what)
{
	fprintf(stderr, "config-doc: %s: %s\n", path, what);
	exit(1);
}

static void read_file(const char *path, struct str *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_all(fd, to))
		die(path, "can't be read");
	fd_close(&fd);
}

static void write_file(const char *path, const struct str *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || text->failed || fd_write_all(fd, str_span(text)))
		die(path, "can't be written");
	fd_close(&fd);
}

/* Replaces what stands in PATH between the lines BEGIN and END by what MAKE appends. */
static void write_part(const char *path, const char *begin_mark, const char *end_mark, void (*make)(struct str *))
{
	struct str page, made;
	str_init(&page, TEXT_MAX);
	str_init(&made, TEXT_MAX);
	read_file(path, &page);
	const char *begin = strstr(str_text(&page), begin_mark), *end = strstr(str_text(&page), end_mark);
	if (!begin || !end || end < begin)
		die(path, "the marks around the made part are missing");
	begin += strlen(begin_mark);
	str_append(&made, (struct span){page.at, (size_t)(begin - page.at)});
	make(&made);
	str_append_text(&made, end);
	write_file(path, &made);
	str_free(&page);
	str_free(&made);
}

int main(int argc, char **argv)
{
	struct str example;
	if (argc != 4)
		die("usage", "config-doc MAILROOT.CONF MAILROOT.CONF.5 IIS-PROPERTIES.MD");
	str_init(&example, TEXT_MAX);
	config_doc_example(&example);
	write_file(argv[1], &example);
	str_free(&example);
	write_part(argv[2], ".\\\" BEGIN made from settings.def\n", ".\\\" END made from settings.def\n",
		   config_doc_man);
	write_part(argv[3], "<!-- BEGIN made from iis.def -->\n", "<!-- END made from iis.def -->\n", iis_doc);
	return 0;
}
