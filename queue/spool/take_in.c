#include "queue/spool/take_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/spool/store_file.h"

enum { SLICE = 200, DAY_MS = 86400 * 1000 };

static DIR *open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder)
		fd_close(&fd);
	return folder;
}

static bool is_same(int a, int b, const char *name)
{
	struct stat one, other;
	return fstatat(a, name, &one, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(b, name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The journal gets its second name before the message moves, so that the message is never without it. */
static int take_message(const struct store *s, int from, const char *entry, const char *id)
{
	char log[STORE_FILE_NAME];
	store_file_name(id, ".log", log);
	if (linkat(from, log, s->cur_fd, log, 0) < 0 && errno != ENOENT &&
	    (errno != EEXIST || !is_same(from, s->cur_fd, log)))
		return -errno;
	int err = fd_rename_new(from, entry, s->cur_fd, entry);
	if (!err)
		unlinkat(from, log, 0);
	return err;
}

static void take_entry(struct take_in *t, const struct store *s, const char *entry)
{
	struct msgname name;
	if (!msgname_parse(span_of(entry), &name))
		return;
	int err = take_message(s, dirfd(t->folder), entry, name.id);
	t->taken += !err;
	t->trouble |= err != 0;
	if (err)
		log_error("id=%s: can't take the message from " MOVED_FOLDER "/%s into the queue: %s", name.id, t->name,
			  strerror(-err));
}

/* Journals whose message has gone. */
static void remove_logs(DIR *folder)
{
	const struct dirent *entry;
	rewinddir(folder);
	while ((entry = readdir(folder)))
		if (span_ends_nocase(span_of(entry->d_name), SPAN(".log")))
			unlinkat(dirfd(folder), entry->d_name, 0);
}

/* All mail of the folder is in cur/. The jail lets the queue remove no folder: the next import removes empty ones. */
static void finish_folder(struct take_in *t)
{
	char done[MOVED_NAME_MAX + 8];
	int at = dirfd(t->all);
	remove_logs(t->folder);
	snprintf(done, sizeof(done), MOVED_DONE "%s", strchr(t->name, '-') + 1);
	if (renameat(dirfd(t->folder), MOVED_LIST, at, done) < 0 && errno != ENOENT)
		log_error(MOVED_FOLDER "/%s: can't keep its list: %s", t->name, strerror(errno));
	if (t->taken)
		log_info("took %zu messages from " MOVED_FOLDER "/%s into the queue", t->taken, t->name);
}

static void close_folder(struct take_in *t)
{
	if (t->folder)
		closedir(t->folder);
	t->folder = NULL;
}

/* An export that runs holds the lock of its folder. */
static void begin_folder(struct take_in *t, const char *name)
{
	bool ours = strncmp(name, MOVED_IN, strlen(MOVED_IN)) == 0 || strncmp(name, MOVED_OUT, strlen(MOVED_OUT)) == 0;
	if (!ours || !span_copy(span_of(name), t->name, sizeof(t->name)))
		return;
	t->taken = 0;
	t->trouble = false;
	t->folder = open_folder(dirfd(t->all), name);
	if (t->folder &&
	    (flock(dirfd(t->folder), LOCK_EX | LOCK_NB) < 0 || !is_same(dirfd(t->all), dirfd(t->all), name)))
		close_folder(t);
}

static void forget_old(const struct take_in *t, const char *name, int64_t wall_ms)
{
	struct stat st;
	if (strncmp(name, MOVED_DONE, strlen(MOVED_DONE)) != 0 ||
	    fstatat(dirfd(t->all), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (wall_ms - (int64_t)st.st_mtime * 1000 > (int64_t)MOVED_DAYS * DAY_MS)
		unlinkat(dirfd(t->all), name, 0);
}

/* True when the folder has no more messages. */
static bool take_slice(struct take_in *t, const struct store *s)
{
	for (int i = 0; i < SLICE; i++) {
		const struct dirent *entry = readdir(t->folder);
		if (!entry)
			return true;
		take_entry(t, s, entry->d_name);
	}
	return false;
}

bool take_in(struct take_in *t, const struct store *s, int64_t wall_ms)
{
	if (!t->all && !(t->all = open_folder(s->cur_fd, "../" MOVED_FOLDER)))
		return false;
	if (!t->folder) {
		const struct dirent *entry = readdir(t->all);
		if (!entry) {
			take_in_free(t);
			return false;
		}
		forget_old(t, entry->d_name, wall_ms);
		begin_folder(t, entry->d_name);
	} else if (take_slice(t, s)) {
		if (!t->trouble)
			finish_folder(t);
		close_folder(t);
	}
	return true;
}

void take_in_free(struct take_in *t)
{
	close_folder(t);
	if (t->all)
		closedir(t->all);
	t->all = NULL;
}
