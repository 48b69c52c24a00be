#include "ctl/spoolplace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "common/spool/moved.h"
#include "ctl/loaded.h"
#include "ctl/service.h"

/* Finds the server of --server, or the only one. */
static const struct config_server *find_server(const struct ctl *ctl, const struct loaded *loaded)
{
	const struct config *config = &loaded->config;
	const char *name = ctl->options.server;
	const struct config_server *server = *name ? config_server_find(config, span_of(name)) : config->servers;
	if (!loaded->good)
		cmd_fail(_("%s has errors (`mailrootctl check` shows them), so the spool is not known"),
			 ctl->options.file);
	else if (*name && !server)
		cmd_fail(_("there is no virtual server %s in %s"), name, ctl->options.file);
	else if (!*name && config->server_count != 1)
		cmd_fail(_("there are %zu virtual servers in %s: add --server NAME"), config->server_count,
			 ctl->options.file);
	else
		return server;
	return NULL;
}

static bool find_path(const struct ctl *ctl, const char *folder, struct spoolplace *out)
{
	struct loaded loaded;
	out->message_max = UINT64_MAX;
	if (folder) {
		out->path = strdup(folder);
		out->server = strdup("");
		return out->path && out->server;
	}
	loaded_read(ctl->options.file, &loaded);
	const struct config_server *server = find_server(ctl, &loaded);
	if (server) {
		out->path = strdup(server->dir);
		out->server = strdup(server->name);
		out->floor = server->free_space_floor == CONFIG_NONE ? 0 : (uint64_t)server->free_space_floor;
		if (server->messages.max_message_size != CONFIG_NONE)
			out->message_max = (uint64_t)server->messages.max_message_size;
	}
	loaded_free(&loaded);
	return out->path && out->server;
}

static int open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool fail_open(const struct spoolplace *place, const char *name, int err)
{
	if (err == EACCES || err == EPERM)
		cmd_fail(_("can't open %s/%s: %s; run the command as root: operators may not read mail"), place->path,
			 name, strerror(err));
	else if (err == ENOENT || err == ENOTDIR || err == ELOOP)
		cmd_fail(
			_("%s is no spool: it has no folder %s; name the folder of a virtual server, with new/ and cur/ in it, or start the service once"),
			place->path, name);
	else
		cmd_fail(_("can't open %s/%s: %s"), place->path, name, strerror(err));
	return false;
}

static bool open_folders(struct spoolplace *out)
{
	static const char *const names[] = {[SPOOLPLACE_NEW] = "new", [SPOOLPLACE_CUR] = "cur"};
	struct stat st;
	out->dir = open(out->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->dir < 0)
		return fail_open(out, "", errno);
	for (; out->folder_count < 2; out->folder_count++) {
		int fd = open_folder(out->dir, names[out->folder_count]);
		if (fd < 0)
			return fail_open(out, names[out->folder_count], errno);
		out->folders[out->folder_count] = fd;
	}
	if (fstat(out->folders[SPOOLPLACE_CUR], &st) < 0)
		return fail_open(out, "cur", errno);
	out->uid = st.st_uid;
	out->gid = st.st_gid;
	if (geteuid() && geteuid() != st.st_uid)
		return fail_open(out, "cur", EACCES);
	out->moved = open_folder(out->dir, MOVED_FOLDER);
	return out->moved >= 0 || errno == ENOENT || fail_open(out, MOVED_FOLDER, errno);
}

bool spoolplace_open(struct ctl *ctl, const char *folder, struct spoolplace *out, int *status)
{
	*out = (struct spoolplace){.dir = -1, .moved = -1, .lock = -1, .queue = -1};
	*status = EXIT_FAILED;
	return find_path(ctl, folder, out) && open_folders(out);
}

void spoolplace_close(struct spoolplace *place)
{
	for (size_t i = 0; i < place->folder_count; i++)
		fd_close(&place->folders[i]);
	fd_close(&place->dir);
	fd_close(&place->moved);
	fd_close(&place->lock);
	fd_close(&place->queue);
	free(place->path);
	free(place->server);
}

/* Mail that no queue has taken out of moved/, and that no other export works on. */
static void open_waiting(struct spoolplace *place)
{
	const struct dirent *entry;
	int again = place->moved < 0 ? -1 : open_folder(place->moved, ".");
	DIR *all = again < 0 ? NULL : fdopendir(again);
	while (all && (entry = readdir(all)) && place->folder_count < SPOOLPLACE_FOLDERS) {
		struct span name = span_of(entry->d_name);
		if (!span_starts(name, SPAN(MOVED_IN)) && !span_starts(name, SPAN(MOVED_OUT)))
			continue;
		int fd = open_folder(place->moved, entry->d_name);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			place->folders[place->folder_count++] = fd;
		else
			fd_close(&fd);
	}
	if (all)
		closedir(all);
}

/* True when master runs this server, so its queue will be back in a moment. */
static bool is_starting(const struct ctl *ctl, const struct spoolplace *place)
{
	static struct service service;
	char said[LINK_TEXT_MAX + 1];
	char *run_dir = cmd_run_dir(ctl);
	int fd = run_dir && *place->server ? link_to_master(run_dir) : -1;
	bool runs = false;
	if (fd >= 0 && service_ask(fd, &service, said)) {
		for (size_t i = 0; i < service.server_count; i++)
			runs |= strcmp(service.servers[i].name, place->server) == 0 &&
				strcmp(service.servers[i].state, "stopped") != 0 &&
				strcmp(service.servers[i].state, "failed") != 0;
		service_free(&service);
	}
	fd_close(&fd);
	free(run_dir);
	return runs;
}

static bool connect_queue(const struct ctl *ctl, struct spoolplace *place)
{
	char why[LINK_TEXT_MAX + 1] = "";
	char *run_dir = cmd_run_dir(ctl);
	if (run_dir && *place->server)
		place->queue = link_to_child(run_dir, place->server, CHILD_QUEUE, why);
	free(run_dir);
	if (place->queue >= 0)
		return true;
	cmd_fail(
		_("the spool %s is in use, and its queue can't be asked%s%s; for a queue that runs name its server with --server, for another export wait until it has ended"),
		place->path, *why ? ": " : "", why);
	return false;
}

bool spoolplace_claim(struct ctl *ctl, struct spoolplace *place, int *status)
{
	*status = EXIT_FAILED;
	place->lock = openat(place->dir, "lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (place->lock < 0 && errno != ENOENT)
		return fail_open(place, "lock", errno);
	if (place->lock >= 0 && flock(place->lock, LOCK_EX | LOCK_NB) < 0) {
		fd_close(&place->lock);
		return connect_queue(ctl, place);
	}
	if (is_starting(ctl, place)) {
		cmd_fail(_("the queue of server %s is starting or stopping just now; try again"), place->server);
		return false;
	}
	open_waiting(place);
	return true;
}

static bool fail_owner(void)
{
	cmd_fail(_("can't become the owner of the spool: %s"), strerror(errno));
	return false;
}

bool spoolplace_become_owner(const struct spoolplace *place)
{
	if (geteuid())
		return true;
	return (!setgroups(0, NULL) && !setegid(place->gid) && !seteuid(place->uid)) || fail_owner();
}

bool spoolplace_become_root(void)
{
	if (getuid())
		return true;
	return (!seteuid(0) && !setegid(0)) || fail_owner();
}

bool spoolplace_stay_owner(const struct spoolplace *place)
{
	if (geteuid())
		return true;
	return (!setgroups(0, NULL) && !setresgid(place->gid, place->gid, place->gid) &&
		!setresuid(place->uid, place->uid, place->uid)) ||
	       fail_owner();
}

bool spoolplace_make_moved(struct spoolplace *place)
{
	if (place->moved >= 0)
		return true;
	if (mkdirat(place->dir, MOVED_FOLDER, 0700) == 0 || errno == EEXIST)
		place->moved = open_folder(place->dir, MOVED_FOLDER);
	if (place->moved < 0)
		cmd_fail(_("can't make %s/moved: %s"), place->path, strerror(errno));
	return place->moved >= 0;
}

static void on_count(void *context, const struct link_row *row)
{
	bool *done = context;
	if (span_equal(row->kind, SPAN(ROW_COUNT)))
		*done = span_equal(row->cells[0], SPAN("1"));
}

enum yield spoolplace_yield(const struct spoolplace *place, const char *id)
{
	const struct wire_queue_act act = {.action = ROW_YIELD, .select_id = span_of(id)};
	bool done = false;
	struct link_answer answer = {.row = on_count, .context = &done};
	struct str request;
	if (place->queue < 0)
		return YIELD_DONE;
	str_init(&request, WIRE_PACKET_MAX);
	request.failed = !wire_encode_queue_act(&act, &request);
	bool good = link_ask(place->queue, &request, &answer);
	fd_close(&answer.fd);
	if (good && !answer.exit_code)
		return done ? YIELD_DONE : YIELD_BUSY;
	cmd_fail(_("server %s: %s"), place->server, answer.said);
	return YIELD_FAILED;
}
