#include "ctl/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"

/* The folder and name of the file. */
struct place {
	int folder;
	char name[NAME_MAX + 1];
	char fresh[NAME_MAX + 1]; /* name of the new file */
};

static int place_open(const char *file, struct place *out)
{
	char path[PATH_MAX];
	const char *slash = strrchr(file, '/');
	struct span folder = {file, slash ? (size_t)(slash - file) + 1 : 0};
	const char *name = slash ? slash + 1 : file;
	if (!name[0] || strlen(name) > NAME_MAX - 5 || !span_copy(folder, path, sizeof(path)))
		return -ENAMETOOLONG;
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->fresh, sizeof(out->fresh), ".%.*s.new", NAME_MAX - 5, name);
	out->folder = open(folder.len ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return out->folder < 0 ? -errno : 0;
}

static bool is_still(const struct place *place, int fd)
{
	struct stat ours, theirs;
	return fstat(fd, &ours) == 0 && fstatat(place->folder, place->name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int open_regular(const struct place *place, int flags)
{
	struct stat info;
	int fd = openat(place->folder, place->name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		return fd;
	fd_close(&fd);
	return -EMEDIUMTYPE;
}

/*
 * Opens and locks the file. The file itself is the lock, so only users that may change it can hold it. A process that
 * gets the lock after a change has the old file open.
 */
static int open_locked(const struct place *place, bool must_exist)
{
	for (;;) {
		int fd = open_regular(place, must_exist ? O_RDWR : O_RDWR | O_CREAT);
		if (fd < 0)
			return fd;
		while (flock(fd, LOCK_EX) != 0) {
			int err = -errno;
			if (err == -EINTR)
				continue;
			fd_close(&fd);
			return err;
		}
		if (is_still(place, fd))
			return fd;
		fd_close(&fd);
	}
}

int replace_read(const char *file, struct str *to)
{
	struct place place;
	int err = place_open(file, &place);
	if (err)
		return err;
	int fd = open_regular(&place, O_RDONLY);
	err = fd < 0 ? fd : fd_read_all(fd, to);
	fd_close(&fd);
	fd_close(&place.folder);
	return err;
}

/* A file that root creates gets the owner of its folder: the user of a service that does not run as root. */
static int give(const struct place *place, int old, int fresh)
{
	struct stat file, folder;
	if (fstat(old, &file) || fstat(place->folder, &folder))
		return -errno;
	const struct stat *owner = geteuid() == 0 && !file.st_size && file.st_uid == 0 ? &folder : &file;
	if (owner->st_uid == geteuid() && owner->st_gid == getegid())
		return 0;
	return fchown(fresh, owner->st_uid, owner->st_gid) == 0 ? 0 : -errno;
}

/* A new file, and one that holds secrets, is for its owner alone. */
static mode_t mode_of(int old, const struct replace_how *how)
{
	struct stat file;
	return how->keep_mode && fstat(old, &file) == 0 ? file.st_mode & 0777 : 0600;
}

static int write_fresh(const struct place *place, int old, const struct replace_how *how, struct span text)
{
	unlinkat(place->folder, place->fresh, 0); /* left by a process that was killed */
	int fd = openat(place->folder, place->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int err = give(place, old, fd);
	if (!err)
		err = fd_write_all(fd, text);
	if (!err && (fchmod(fd, mode_of(old, how)) || fsync(fd) ||
		     renameat(place->folder, place->fresh, place->folder, place->name) || fsync(place->folder)))
		err = -errno;
	if (err)
		unlinkat(place->folder, place->fresh, 0);
	fd_close(&fd);
	return err;
}

static int change_locked(const struct place *place, int old, const struct replace_how *how)
{
	struct str text, fresh;
	str_init(&text, REPLACE_TEXT_MAX);
	str_init(&fresh, REPLACE_TEXT_MAX);
	int err = fd_read_all(old, &text);
	if (!err && how->change(how->context, str_span(&text), &fresh))
		err = fresh.failed ? -EFBIG : write_fresh(place, old, how, str_span(&fresh));
	str_wipe(&text);
	str_wipe(&fresh);
	return err;
}

int replace_file(const char *file, const struct replace_how *how)
{
	struct place place;
	int err = place_open(file, &place);
	if (err)
		return err;
	int old = open_locked(&place, how->must_exist);
	err = old < 0 ? old : change_locked(&place, old, how);
	fd_close(&old);
	fd_close(&place.folder);
	return err;
}
