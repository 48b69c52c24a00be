#include "ctl/leaving.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/spool/moved.h"

enum { LOG_NAME = MSGID_LEN + 8 };

static void name_folder(const char *kind, const char *number, char to[MOVED_NAME_MAX + 1])
{
	snprintf(to, MOVED_NAME_MAX + 1, "%s%s", kind, number);
}

/* Opens moved/KIND-N, locked. */
static int open_locked(const struct spoolplace *place, const char *name)
{
	int fd = openat(place->moved, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		fd_close(&fd);
	return fd;
}

bool leaving_begin(struct spoolplace *place, const char *number, struct leaving *out)
{
	char name[MOVED_NAME_MAX + 1], hidden[MOVED_NAME_MAX + 2];
	*out = (struct leaving){.place = place, .number = number, .folder = -1};
	if (!spoolplace_make_moved(place))
		return false;
	name_folder(MOVED_OUT, number, name);
	/* The lock comes before the name that the queue looks at. */
	snprintf(hidden, sizeof(hidden), ".%s", name);
	if (mkdirat(place->moved, hidden, 0700) == 0)
		out->folder = open_locked(place, hidden);
	if (out->folder < 0 || renameat(place->moved, hidden, place->moved, name) < 0) {
		cmd_fail(_("can't make %s/moved/%s: %s"), place->path, name, strerror(errno));
		unlinkat(place->moved, hidden, AT_REMOVEDIR);
		leaving_close(out);
		return false;
	}
	return true;
}

int leaving_take(const struct leaving *leaving, int from, int logs, const struct msgname *name)
{
	char file[MSGNAME_MAX], log[LOG_NAME];
	msgname_format(name, file);
	snprintf(log, sizeof(log), "%s.log", name->id);
	/* The message is never without its journal, and a journal without a message means that it is finished. */
	if (linkat(logs, log, leaving->folder, log, 0) < 0 && errno != ENOENT)
		return -errno;
	int err = fd_rename_new(from, file, leaving->folder, file);
	if (err)
		unlinkat(leaving->folder, log, 0);
	else
		unlinkat(logs, log, 0);
	return err;
}

int leaving_commit(const struct leaving *leaving)
{
	char out[MOVED_NAME_MAX + 1], sent[MOVED_NAME_MAX + 1];
	name_folder(MOVED_OUT, leaving->number, out);
	name_folder(MOVED_SENT, leaving->number, sent);
	/* First what has left cur/ and new/, so that a power cut does not bring it back behind the decision. */
	for (size_t i = 0; i < leaving->place->folder_count; i++)
		if (fsync(leaving->place->folders[i]) < 0)
			return -errno;
	if (fsync(leaving->folder) < 0)
		return -errno;
	if (renameat(leaving->place->moved, out, leaving->place->moved, sent) < 0)
		return -errno;
	return fsync(leaving->place->moved) < 0 ? -errno : 0;
}

static void empty(int folder)
{
	const struct dirent *entry;
	int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = again < 0 ? NULL : fdopendir(again);
	while (all && (entry = readdir(all)))
		if (entry->d_name[0] != '.')
			unlinkat(folder, entry->d_name, 0);
	if (all)
		closedir(all);
}

static bool remove_folder(const struct spoolplace *place, int folder, const char *name)
{
	empty(folder);
	return unlinkat(place->moved, name, AT_REMOVEDIR) == 0;
}

bool leaving_remove(const struct spoolplace *place, const char *number)
{
	char sent[MOVED_NAME_MAX + 1];
	name_folder(MOVED_SENT, number, sent);
	int fd = place->moved < 0 || !*number ? -1 : open_locked(place, sent);
	if (fd < 0)
		return false;
	bool removed = remove_folder(place, fd, sent);
	fd_close(&fd);
	return removed;
}

void leaving_give_back(struct leaving *leaving)
{
	char out[MOVED_NAME_MAX + 1], in[MOVED_NAME_MAX + 1];
	if (leaving->folder < 0)
		return;
	name_folder(MOVED_OUT, leaving->number, out);
	name_folder(MOVED_IN, leaving->number, in);
	if (unlinkat(leaving->place->moved, out, AT_REMOVEDIR) < 0)
		renameat(leaving->place->moved, out, leaving->place->moved, in);
	leaving_close(leaving);
}

void leaving_close(struct leaving *leaving)
{
	fd_close(&leaving->folder);
}

void leaving_note_rest(const struct spoolplace *place)
{
	const struct dirent *entry;
	int again = place->moved < 0 ? -1 : openat(place->moved, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = again < 0 ? NULL : fdopendir(again);
	while (all && (entry = readdir(all))) {
		int fd = span_starts(span_of(entry->d_name), SPAN(MOVED_SENT)) ? open_locked(place, entry->d_name) : -1;
		if (fd >= 0)
			fprintf(stderr,
				_("note: %s/moved/%s has mail of an export that was ended; the same command with the same FILE finishes it\n"),
				place->path, entry->d_name);
		fd_close(&fd);
	}
	if (all)
		closedir(all);
}
