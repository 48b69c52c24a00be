#include "common/gss/paths.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/str.h"

enum { CONFIG_MAX = 1 << 20, PATH_TEXT_MAX = 4096 };

static const char *const name_service[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf",
					   "/etc/host.conf"};

/* False: the list is full, or has the path already, or the path does not exist. */
static bool add(struct gss_paths *p, struct span path)
{
	char text[PATH_TEXT_MAX];
	if (p->n == GSS_PATHS_MAX || !span_copy(path, text, sizeof(text)) || access(text, R_OK) != 0)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->at[i], text) == 0)
			return false;
	p->at[p->n] = strdup(text);
	return p->at[p->n] && ++p->n;
}

static void add_config(struct gss_paths *p, struct span path);

static void add_included(struct gss_paths *p, struct span line)
{
	struct span path = span_trim(line), word = path;
	for (size_t i = 0; i < path.len; i++)
		if (path.at[i] == ' ' || path.at[i] == '\t') {
			word.len = i;
			path = span_trim(span_skip(path, i));
			break;
		}
	if (span_equal(word, SPAN("include")))
		add_config(p, path);
	else if (span_equal(word, SPAN("includedir")))
		add(p, path);
}

/* Adds a configuration file, and the files that it includes. Each is read once, so the recursion ends. */
static void add_config(struct gss_paths *p, struct span path)
{
	struct str text;
	if (!add(p, path))
		return;
	int fd = open(p->at[p->n - 1], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	str_init(&text, CONFIG_MAX);
	if (fd >= 0 && fd_read_all(fd, &text) == 0) {
		struct span rest = str_span(&text), line;
		while (span_line(&rest, &line))
			add_included(p, line);
	}
	fd_close(&fd);
	str_free(&text);
}

/* The plug-ins are beside the library: .../libkrb5.so.3 and .../krb5/plugins. */
static void add_plugins(struct gss_paths *p)
{
	char path[PATH_TEXT_MAX];
	Dl_info info;
	if (!dladdr((void *)krb5_init_context, &info) || !info.dli_fname || !strrchr(info.dli_fname, '/'))
		return;
	int folder = (int)(strrchr(info.dli_fname, '/') - info.dli_fname);
	snprintf(path, sizeof(path), "%.*s/krb5/plugins", folder, info.dli_fname);
	add(p, span_of(path));
}

void gss_paths_collect(struct gss_paths *p, const char *config)
{
	struct span files = span_of(config && *config ? config : "/etc/krb5.conf:/usr/etc/krb5.conf");
	*p = (struct gss_paths){0};
	add_plugins(p);
	for (size_t i = 0; i < sizeof(name_service) / sizeof(*name_service); i++)
		add(p, span_of(name_service[i]));
	while (files.len)
		add_config(p, span_take(&files, ':'));
}

void gss_paths_free(struct gss_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i]);
	*p = (struct gss_paths){0};
}
