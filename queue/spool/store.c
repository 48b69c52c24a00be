#include "queue/spool/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "queue/spool/store_file.h"

enum { FOLDER_PATH = 4096 + 16, TRY_OCTETS = 128 * 1024 };

static int folder_of(const struct store *s, const struct message *m)
{
	return m->in_cur ? s->cur_fd : s->new_fd;
}

static int open_folder(const char *path, char *what, size_t what_size)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(what, what_size, "%s", path);
	return -errno;
}

static int open_lock(const char *path, char *what, size_t what_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : 0;
	while (!err && flock(fd, LOCK_EX) < 0)
		err = errno == EINTR ? 0 : -errno;
	if (!err)
		return fd;
	snprintf(what, what_size, "%s", path);
	fd_close(&fd);
	return err;
}

int store_open(struct store *s, const char *dir, const char *badmail, char *what, size_t what_size)
{
	char path[FOLDER_PATH];
	*s = (struct store){.dir = strdup(dir), .new_fd = -1, .cur_fd = -1, .badmail_fd = -1, .lock_fd = -1};
	if (!s->dir) {
		snprintf(what, what_size, "%s", dir);
		return -ENOMEM;
	}
	snprintf(path, sizeof(path), "%s/lock", dir);
	s->lock_fd = open_lock(path, what, what_size);
	if (s->lock_fd < 0)
		return s->lock_fd;
	snprintf(path, sizeof(path), "%s/new", dir);
	s->new_fd = open_folder(path, what, what_size);
	if (s->new_fd < 0)
		return s->new_fd;
	snprintf(path, sizeof(path), "%s/cur", dir);
	s->cur_fd = open_folder(path, what, what_size);
	if (s->cur_fd < 0)
		return s->cur_fd;
	s->badmail_fd = open_folder(badmail, what, what_size);
	return s->badmail_fd < 0 ? s->badmail_fd : 0;
}

void store_close(struct store *s)
{
	fd_close(&s->new_fd);
	fd_close(&s->cur_fd);
	fd_close(&s->badmail_fd);
	fd_close(&s->lock_fd);
	free(s->dir);
	s->dir = NULL;
}

int store_open_message(const struct store *s, const struct message *m)
{
	char name[MSGNAME_MAX];
	message_name(m, name);
	int fd = openat(folder_of(s, m), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int store_lock(int fd, enum store_lock how)
{
	if (flock(fd, (how == STORE_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0)
		return -errno;
	if (how == STORE_ALONE_THEN_SHARED && flock(fd, LOCK_SH | LOCK_NB) < 0)
		return -errno;
	return 0;
}

static int check_file(int fd, const struct message *m)
{
	struct stat st;
	int err = store_lock(fd, STORE_ALONE);
	if (err)
		return err;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!st.st_nlink)
		return -ENOENT;
	if (S_ISREG(st.st_mode) && st.st_size == 0)
		return -ENODATA;
	return S_ISREG(st.st_mode) && (uint64_t)st.st_size == m->size ? 0 : -EBADMSG;
}

int store_probe(const struct store *s, const struct message *m)
{
	int fd = store_open_message(s, m);
	if (fd < 0)
		return fd == -ELOOP || fd == -ENXIO ? -EBADMSG : fd;
	int err = check_file(fd, m);
	fd_close(&fd);
	return err;
}

static bool all_zeros(struct span text)
{
	return !text.len || (!text.at[0] && memcmp(text.at, text.at + 1, text.len - 1) == 0);
}

bool store_is_zeros(int fd, const struct message *m)
{
	char block[64 * 1024];
	uint64_t at = 0;
	if (m->in_cur || m->has_log || m->size > STORE_ZEROS_MAX)
		return false;
	while (at < m->size) {
		ssize_t got = pread(fd, block, sizeof(block), (off_t)at);
		if (got <= 0 || !all_zeros((struct span){block, (size_t)got}))
			return false;
		at += (uint64_t)got;
	}
	return true;
}

int store_sync(int fd)
{
	return fsync(fd) == 0 ? 0 : -errno;
}

int store_try(const struct store *s)
{
	static const char name[] = ".writable", octets[TRY_OCTETS];
	int fd = openat(s->new_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int err = fd_write_all(fd, (struct span){octets, sizeof(octets)});
	if (!err)
		err = store_sync(fd);
	fd_close(&fd);
	if (err || renameat(s->new_fd, name, s->cur_fd, name) < 0) {
		err = err ? err : -errno;
		unlinkat(s->new_fd, name, 0);
		return err;
	}
	return unlinkat(s->cur_fd, name, 0) == 0 ? 0 : -errno;
}

int store_to_cur(const struct store *s, struct message *m)
{
	char name[MSGNAME_MAX];
	if (m->in_cur)
		return 0;
	message_name(m, name);
	int err = fd_rename_new(s->new_fd, name, s->cur_fd, name);
	if (err)
		return err;
	m->in_cur = true;
	return 0;
}

static int unlink_in(int folder, const char *name)
{
	return unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

int store_finish_log(const struct store *s, const char *id)
{
	char name[STORE_FILE_NAME];
	store_file_name(id, ".log", name);
	return unlink_in(s->cur_fd, name);
}

static int finish_log_of(const struct store *s, struct message *m)
{
	int err = m->has_log ? store_finish_log(s, m->id) : 0;
	m->has_log = m->has_log && err;
	return err;
}

int store_finish(const struct store *s, struct message *m)
{
	char name[MSGNAME_MAX];
	message_name(m, name);
	int err = unlink_in(folder_of(s, m), name);
	return err ? err : finish_log_of(s, m);
}

static bool same_file(const struct store *s, const struct message *m, const char *path)
{
	struct stat st;
	int ours = store_open_message(s, m);
	int theirs = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool same = ours >= 0 && theirs >= 0 && fstat(theirs, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size == m->size && fd_same(ours, theirs);
	fd_close(&ours);
	fd_close(&theirs);
	return same;
}

int store_drop(const struct store *s, struct message *m, const char *folder)
{
	char from[MSGNAME_MAX], to[PATH_MAX];
	message_name(m, from);
	if (snprintf(to, sizeof(to), "%s/%s.eml", folder, m->id) >= (int)sizeof(to))
		return -ENAMETOOLONG;
	int err = fd_rename_new(folder_of(s, m), from, AT_FDCWD, to);
	if (!err) {
		finish_log_of(s, m); /* on error a scan removes the journal */
		return 0;
	}
	if (err != -EEXIST)
		return err;
	return same_file(s, m, to) ? store_finish(s, m) : -EEXIST;
}

static int write_reason(int folder, const char *name, struct span reason)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	int err = fd_write_all(fd, reason);
	fd_close(&fd);
	return err;
}

static int copy_to_badmail(const struct store *s, const struct message *m, const char *name)
{
	int fd = store_open_message(s, m);
	if (fd < 0)
		return fd;
	int err = fd_copy_as(fd, s->badmail_fd, name);
	fd_close(&fd);
	return err;
}

/*
 * The journal goes to badmail too, for it tells which recipients have the message. It gets a second name first, so that
 * no crash separates it from the message.
 */
static int keep_journal(const struct store *s, struct message *m)
{
	char name[STORE_FILE_NAME];
	struct stat st;
	store_file_name(m->id, ".log", name);
	int err = unlink_in(s->badmail_fd, name);
	if (err || !m->has_log)
		return err;
	int fd = store_journal_to_read(s, m, &st);
	if (fd < 0)
		return fd == -ENOENT || fd == -EBADMSG ? 0 : fd; /* there is no journal to keep */
	fd_close(&fd);
	fd = store_journal_open(s, m, 0, true);
	if (fd < 0)
		return fd;
	if (linkat(s->cur_fd, name, s->badmail_fd, name, 0) < 0)
		err = fd_copy_as(fd, s->badmail_fd, name);
	fd_close(&fd);
	return err;
}

int store_badmail(const struct store *s, struct message *m, struct span reason)
{
	char from[MSGNAME_MAX], to[STORE_FILE_NAME], text[STORE_FILE_NAME];
	message_name(m, from);
	store_file_name(m->id, ".eml", to);
	store_file_name(m->id, ".txt", text);
	int err = write_reason(s->badmail_fd, text, reason);
	if (!err)
		err = keep_journal(s, m);
	if (err)
		return err;
	if (renameat(folder_of(s, m), from, s->badmail_fd, to) < 0)
		err = -errno;
	if (err == -EXDEV) {
		err = copy_to_badmail(s, m, to);
		return err ? err : store_finish(s, m);
	}
	if (err)
		return err;
	finish_log_of(s, m); /* on error a scan removes the journal */
	return 0;
}
