/*
 * Writes what is made of settings.def into the checked-in copies (`ninja docs`): config-doc MAILROOT.CONF
 * MAILROOT.CONF.5. In the manual page only what stands between the two marks is replaced.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/config/config.h"

#define BEGIN_MARK ".\\\" BEGIN made from settings.def\n"
#define END_MARK   ".\\\" END made from settings.def\n"

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

static void write_man(const char *path)
{
	struct str page, made;
	str_init(&page, TEXT_MAX);
	str_init(&made, TEXT_MAX);
	read_file(path, &page);
	const char *begin = strstr(str_text(&page), BEGIN_MARK), *end = strstr(str_text(&page), END_MARK);
	if (!begin || !end || end < begin)
		die(path, "the marks around the made part are missing");
	begin += strlen(BEGIN_MARK);
	str_append(&made, (struct span){page.at, (size_t)(begin - page.at)});
	config_doc_man(&made);
	str_append_text(&made, end);
	write_file(path, &made);
	str_free(&page);
	str_free(&made);
}

int main(int argc, char **argv)
{
	struct str example;
	if (argc != 3)
		die("usage", "config-doc MAILROOT.CONF MAILROOT.CONF.5");
	str_init(&example, TEXT_MAX);
	config_doc_example(&example);
	write_file(argv[1], &example);
	str_free(&example);
	write_man(argv[2]);
	return 0;
}
