#include "master/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/table.h"

enum { NAMED_MAX = 4500 }; /* a path, and its server */

/* A file that the configuration names. */
struct named {
	const char *path;
	const char *what; /* "certificate", "keytab" */
};

struct walk {
	unsigned role;
	struct named *at;
	size_t n, room;
};

static void take(struct walk *w, const char *path, const char *what)
{
	if (!path || w->n == FILES_MAX)
		return;
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 16;
		struct named *more = realloc(w->at, room * sizeof(*more));
		if (!more)
			return;
		w->at = more;
		w->room = room;
	}
	w->at[w->n++] = (struct named){path, what};
}

static void take_setting(struct walk *w, const struct config_setting *setting, const void *value)
{
	const struct config_certificates *pairs = value;
	const struct config_selectors *selectors = value;
	if (setting->acts != CONFIG_PROCESSES_NEW || !(setting->roles & w->role))
		return;
	if (setting->type == CONFIG_FILE)
		take(w, *(const char *const *)value, setting->name);
	for (size_t i = 0; setting->type == CONFIG_CERTIFICATES && i < pairs->n; i++) {
		take(w, pairs->at[i].certificate, "certificate");
		take(w, pairs->at[i].key, "key");
	}
	for (size_t i = 0; setting->type == CONFIG_SELECTORS && i < selectors->n; i++)
		take(w, selectors->at[i].file, N_("DKIM key"));
}

static void walk_block(struct walk *w, enum config_block block, const void *base)
{
	for (size_t i = 0; i < config_setting_count; i++) {
		if (config_settings[i].block == block)
			take_setting(w, &config_settings[i], (const char *)base + config_settings[i].offset);
	}
	for (size_t i = 0; i < config_place_count; i++) {
		if (config_places[i].parent == block)
			walk_block(w, config_places[i].block, (const char *)base + config_places[i].offset);
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->path, ((const struct named *)b)->path);
}

/* Files that are read although the configuration does not name them. */
static void take_hostfiles(struct walk *w)
{
	if (!(w->role & ROLE_RESOLVER))
		return;
	take(w, "/etc/resolv.conf", N_("name servers"));
	take(w, "/etc/hosts", N_("hosts file"));
}

/* Collects each path once, sorted; the caller frees w->at. */
static void walk_server(struct walk *w, const struct config_server *server)
{
	const void *block;
	size_t n = 0;
	walk_block(w, CONFIG_SERVER, server);
	take_hostfiles(w);
	for (size_t kind = 0; kind < config_named_count; kind++) {
		for (size_t i = 0; (block = config_named_at(&config_named[kind], server, i)); i++)
			walk_block(w, config_named[kind].block, block);
	}
	if (w->n)
		qsort(w->at, w->n, sizeof(*w->at), by_path);
	for (size_t i = 0; i < w->n; i++) {
		if (!n || by_path(&w->at[n - 1], &w->at[i]) != 0)
			w->at[n++] = w->at[i];
	}
	w->n = n;
}

static void look(const char *path, struct stat *file)
{
	if (stat(path, file))
		*file = (struct stat){0};
}

void files_note(struct files *files, const struct config_server *server, unsigned role)
{
	struct walk w = {.role = role};
	files_free(files);
	walk_server(&w, server);
	files->at = w.n ? calloc(w.n, sizeof(*files->at)) : NULL;
	for (size_t i = 0; files->at && i < w.n; i++) {
		struct files_stamp *stamp = &files->at[files->n];
		stamp->path = strdup(w.at[i].path);
		if (!stamp->path)
			continue;
		look(stamp->path, &stamp->file);
		files->n++;
	}
	free(w.at);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* A new link target is another inode. A file changed in place has another ctime, even if its mtime was restored. */
bool files_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

static int by_name(const void *path, const void *stamp)
{
	return strcmp(path, ((const struct files_stamp *)stamp)->path);
}

unsigned files_changed(const struct files *files, const struct config_server *server, unsigned role, struct str *to)
{
	struct walk w = {.role = role};
	unsigned changed = 0;
	walk_server(&w, server);
	for (size_t i = 0; files->n && i < w.n; i++) {
		const struct files_stamp *stamp =
			bsearch(w.at[i].path, files->at, files->n, sizeof(*files->at), by_name);
		struct stat now;
		char named[NAMED_MAX];
		if (!stamp)
			continue;
		look(stamp->path, &now);
		if (files_same(&stamp->file, &now))
			continue;
		changed++;
		snprintf(named, sizeof(named), "server %s: %s %s", server->name, w.at[i].what, stamp->path);
		str_printf(to,
			   !now.st_nlink           ? N_("%s is gone")
			   : role == ROLE_SMTPD    ? N_("%s changed: new sessions get it")
			   : role == ROLE_RESOLVER ? N_("%s changed: a new resolver reads it")
			   : role == ROLE_WEB      ? N_("%s changed: access tokens are fetched with it")
			   : role == ROLE_KERBEROS ? N_("%s changed: answers of the KDC are checked with it")
						   : N_("%s changed: new connections get it"),
			   named);
		str_append_c(to, '\n');
	}
	free(w.at);
	return changed;
}

void files_free(struct files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->at[i].path);
	free(files->at);
	*files = (struct files){0};
}
