#include "master/recipient_files.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "master/files.h"
#include "master/server.h"
#include "master/tell.h"

bool recipient_files_wanted(enum child_role role)
{
	return role == CHILD_SMTPD || role == CHILD_PICKUP || role == CHILD_LOCAL;
}

static void look(const char *path, struct stat *to)
{
	if (stat(path, to) < 0)
		*to = (struct stat){0};
}

static void tell(const struct server *server, struct supervised *child, const char *path, bool reload)
{
	const char *why;
	int fd = fd_open_regular(path, &why);
	const struct wire_recipients news = {
		.file = span_of(path), .present = fd >= 0, .reload = reload, .why = span_of(why)};
	tell_recipients(child, server->name, &news, fd);
	fd_close(&fd);
}

static void tell_all(struct server *server, const char *path, bool reload)
{
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		struct supervised *child = &server->children[i];
		if (recipient_files_wanted(child->role) && supervise_alive(child))
			tell(server, child, path, reload);
	}
}

/* The entry of PATH; a new one is told by the next looks, whatever children know of it. NULL = no memory. */
static struct recipient_file *watched(struct recipient_files_watch *watch, const char *path)
{
	for (size_t i = 0; i < watch->n; i++)
		if (strcmp(watch->at[i].path, path) == 0)
			return &watch->at[i];
	if (watch->n == CONFIG_RECIPIENT_FILES_MAX) /* files that are no longer in the configuration */
		recipient_files_free(watch);
	struct recipient_file *file = &watch->at[watch->n];
	*file = (struct recipient_file){.path = strdup(path)};
	watch->n += file->path != NULL;
	return file->path ? file : NULL;
}

void recipient_files_tell(const struct server *server, struct supervised *child)
{
	const char *files[CONFIG_RECIPIENT_FILES_MAX];
	const struct config_server *wanted = server_wanted(server);
	size_t n = wanted ? config_recipients_files(wanted, files) : 0;
	for (size_t i = 0; i < n; i++)
		tell(server, child, files[i], false);
}

/* Noted before it is opened: a change in between is noticed as one. */
void recipient_files_reload(struct server *server)
{
	const char *files[CONFIG_RECIPIENT_FILES_MAX];
	const struct config_server *wanted = server_wanted(server);
	size_t n = wanted ? config_recipients_files(wanted, files) : 0;
	for (size_t i = 0; i < n; i++) {
		struct recipient_file *file = watched(&server->recipients, files[i]);
		if (file) {
			look(files[i], &file->told);
			file->passed_on = true;
		}
		tell_all(server, files[i], true);
	}
}

/* True: the file has changed, and may still do so. */
static bool examine(struct server *server, struct recipient_file *file)
{
	struct stat now;
	look(file->path, &now);
	bool rests = files_same(&now, &file->seen);
	file->seen = now;
	if (file->passed_on && files_same(&now, &file->told))
		return false;
	if (!rests)
		return true;
	file->told = now;
	file->passed_on = true;
	tell_all(server, file->path, false);
	return false;
}

int64_t recipient_files_tend(struct server *server, int64_t now_ms)
{
	const char *files[CONFIG_RECIPIENT_FILES_MAX];
	struct recipient_files_watch *watch = &server->recipients;
	const struct config_server *wanted = server_wanted(server);
	bool changing = false;
	size_t n = wanted ? config_recipients_files(wanted, files) : 0;
	if (!n)
		return -1;
	if (now_ms < watch->look_ms)
		return watch->look_ms - now_ms;
	for (size_t i = 0; i < n; i++) {
		struct recipient_file *file = watched(watch, files[i]);
		changing |= file && examine(server, file);
	}
	int64_t next = changing ? RECIPIENT_FILES_REST_MS : RECIPIENT_FILES_LOOK_MS;
	watch->look_ms = now_ms + next;
	return next;
}

void recipient_files_free(struct recipient_files_watch *watch)
{
	for (size_t i = 0; i < watch->n; i++)
		free(watch->at[i].path);
	*watch = (struct recipient_files_watch){.n = 0};
}
