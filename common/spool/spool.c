#include "common/spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

enum {
	MESSAGE_MODE = 0644, /* the parent folders decide who can read it */
	ENVELOPE_FIRST_READ = 4096,
	IDS_MAX = 10 /* for one message */
};

/* File systems whose fsync of a file makes its name durable, too, and those that keep nothing over a restart. */
static const long name_safe[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, RAMFS_MAGIC};

static bool fsync_covers_name(long type)
{
	for (size_t i = 0; i < sizeof(name_safe) / sizeof(name_safe[0]); i++)
		if (type == name_safe[i])
			return true;
	return false;
}

static void hidden_name(const char *id, char *to)
{
	snprintf(to, MSGNAME_MAX, ".%s", id);
}

static void fresh_id(struct spool_file *file)
{
	if (file->random_left < MSGID_RANDOM) {
		fd_random(file->random, sizeof(file->random));
		file->random_left = sizeof(file->random);
	}
	file->random_left -= MSGID_RANDOM;
	msgid_make(clock_wall_ms(), file->random + file->random_left, file->id);
}

static int open_unnamed(const struct spool *spool)
{
	int fd = openat(spool->new_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MESSAGE_MODE);
	return fd < 0 ? -errno : fd;
}

static int open_hidden(const struct spool *spool, const char *id)
{
	char name[MSGNAME_MAX];
	hidden_name(id, name);
	int fd = openat(spool->new_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, MESSAGE_MODE);
	return fd < 0 ? -errno : fd;
}

static int open_file(struct spool_file *file)
{
	int fd = file->spool->unnamed ? open_unnamed(file->spool) : open_hidden(file->spool, file->id);
	if (fd < 0)
		return fd;
	file->fd = fd;
	file->named = !file->spool->unnamed;
	if (file->spool->needs_mode && fchmod(fd, MESSAGE_MODE) < 0)
		return -errno;
	/* A file with a name must be locked from the start, or a scan takes it for an aborted write. */
	return file->named ? spool_lock(fd) : 0;
}

static int begin_given(struct spool_file *file, const char *id)
{
	if (!msgid_valid(span_of(id)))
		return -EINVAL;
	memcpy(file->id, id, sizeof(file->id));
	int err = open_file(file);
	if (err)
		spool_abort(file);
	return err;
}

/* A scan may come between the creation of a file with a name and its lock, and then removes the file. */
static int begin_fresh(struct spool_file *file)
{
	int err = -EWOULDBLOCK;
	for (int i = 0; i < IDS_MAX && err == -EWOULDBLOCK; i++) {
		fresh_id(file);
		err = open_file(file);
		if (err)
			spool_abort(file);
	}
	return err;
}

int spool_begin(const struct spool *spool, const char *id, struct spool_file *file)
{
	spool_abort(file);
	if (!file->buffer)
		file->buffer = malloc(SPOOL_BUFFER);
	if (!file->buffer)
		return -ENOMEM;
	file->spool = spool;
	file->size = 0;
	file->eight_bit = false;
	file->staged = false;
	file->buffered = 0;
	file->name[0] = '\0';
	return id ? begin_given(file, id) : begin_fresh(file);
}

static int flush(struct spool_file *file)
{
	struct span text = {file->buffer, file->buffered};
	file->eight_bit = file->eight_bit || span_eight_bit(text);
	int err = fd_write_all(file->fd, text);
	file->buffered = 0;
	return err;
}

int spool_write(struct spool_file *file, struct span text)
{
	if (file->fd < 0)
		return -EBADF;
	while (text.len) {
		int err = file->buffered == SPOOL_BUFFER ? flush(file) : 0;
		if (err) {
			spool_abort(file);
			return err;
		}
		size_t room = SPOOL_BUFFER - file->buffered;
		size_t n = text.len < room ? text.len : room;
		memcpy(file->buffer + file->buffered, text.at, n);
		file->buffered += n;
		file->size += n;
		text = span_skip(text, n);
	}
	return 0;
}

static int name_unnamed(const struct spool *spool, int fd, const char *name)
{
	char path[32];
	if (linkat(fd, "", spool->new_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	/* Before Linux 6.10 AT_EMPTY_PATH takes a capability. Where /proc is visible, which it is not in a jail, it can
	 * be used. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, spool->new_fd, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : -errno;
}

static int name_hidden(const struct spool *spool, const char *id, const char *name)
{
	char hidden[MSGNAME_MAX];
	hidden_name(id, hidden);
	return renameat2(spool->new_fd, hidden, spool->new_fd, name, RENAME_NOREPLACE) == 0 ? 0 : -errno;
}

/* All steps up to the name: spool_abort can undo them. */
static int flush_lock_name(struct spool_file *file)
{
	int err = file->buffered ? flush(file) : 0;
	if (err)
		return err;
	struct msgname name = {.size = file->size, .eight_bit = file->eight_bit};
	memcpy(name.id, file->id, sizeof(name.id));
	file->name[0] = '.';
	msgname_format(&name, file->name + file->staged);
	if (file->named)
		return name_hidden(file->spool, file->id, file->name);
	err = spool_lock(file->fd);
	return err ? err : name_unnamed(file->spool, file->fd, file->name);
}

static int make_durable(const struct spool *spool, int fd)
{
	if (fsync(fd) < 0)
		return -errno;
	return spool->needs_sync && syncfs(fd) < 0 ? -errno : 0;
}

int spool_sync(const struct spool *spool, const char *name)
{
	int fd = openat(spool->new_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = make_durable(spool, fd);
	fd_close(&fd);
	return err;
}

int spool_commit(struct spool_file *file)
{
	if (file->fd < 0)
		return -EBADF;
	int err = flush_lock_name(file);
	if (err) {
		spool_abort(file);
		return err;
	}
	file->named = false;
	err = make_durable(file->spool, file->fd);
	if (err)
		spool_unlink(file);
	return err;
}

int spool_publish(struct spool_file *file)
{
	const char *final = file->name + 1;
	if (file->fd < 0 || !file->staged)
		return -EBADF;
	if (renameat2(file->spool->new_fd, file->name, file->spool->new_fd, final, RENAME_NOREPLACE) < 0)
		return -errno;
	memmove(file->name, final, strlen(final) + 1);
	file->staged = false;
	return 0;
}

static bool is_staged(const char *name, struct msgname *named)
{
	return name[0] == '.' && msgname_parse(span_of(name + 1), named);
}

int spool_staged(const struct spool *spool, void (*found)(void *context, const char *name), void *context)
{
	struct msgname named;
	int fd = openat(spool->new_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder) {
		int err = -errno;
		fd_close(&fd);
		return err;
	}
	for (const struct dirent *entry; (entry = readdir(folder));)
		if (is_staged(entry->d_name, &named))
			found(context, entry->d_name);
	closedir(folder);
	return 0;
}

/* Checks that the open file is a message of NAMED octets; locks it and makes it durable. */
static int check_staged(const struct spool *spool, const struct msgname *named, struct spool_file *file)
{
	struct stat st;
	int err = spool_lock(file->fd);
	if (!err && fstat(file->fd, &st) < 0)
		err = -errno;
	if (err)
		return err;
	return (uint64_t)st.st_size == named->size ? make_durable(spool, file->fd) : -EBADMSG;
}

int spool_take_staged(const struct spool *spool, const char *name, struct spool_file *file)
{
	struct msgname named;
	if (!is_staged(name, &named))
		return -EINVAL;
	file->fd = openat(spool->new_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	file->spool = spool;
	file->staged = true;
	file->size = named.size;
	span_copy(span_of(name), file->name, sizeof(file->name));
	memcpy(file->id, named.id, sizeof(file->id));
	int err = check_staged(spool, &named, file);
	if (err == -EBADMSG)
		spool_unlink(file);
	else if (err)
		spool_release(file);
	return err;
}

int spool_remove_staged(const struct spool *spool, const char *name)
{
	int fd = openat(spool->new_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || unlinkat(fd, name, 0) < 0 || fsync(fd) < 0 ? -errno : 0;
	fd_close(&fd);
	return err;
}

void spool_release(struct spool_file *file)
{
	fd_close(&file->fd);
}

void spool_unlink(struct spool_file *file)
{
	if (file->fd < 0)
		return;
	unlinkat(file->spool->new_fd, file->name, 0);
	fd_close(&file->fd);
}

void spool_abort(struct spool_file *file)
{
	if (file->fd < 0)
		return;
	if (file->named) {
		char name[MSGNAME_MAX];
		hidden_name(file->id, name);
		unlinkat(file->spool->new_fd, name, 0);
		file->named = false;
	}
	fd_close(&file->fd);
}

void spool_file_free(struct spool_file *file)
{
	spool_abort(file);
	free(file->buffer);
	file->buffer = NULL;
}

int spool_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
}

/* Commits an empty file and removes it. Nobody was told of it, so the unlink can't race. */
static int try_commit(const struct spool *spool, struct stat *seen)
{
	struct spool_file file = {.fd = -1};
	int err = spool_begin(spool, NULL, &file);
	if (!err && fstat(file.fd, seen) < 0)
		err = -errno;
	if (!err)
		err = flush_lock_name(&file);
	if (err) {
		spool_file_free(&file);
		return err;
	}
	file.named = false;
	spool_unlink(&file);
	spool_file_free(&file);
	return 0;
}

int spool_probe(int new_fd, struct spool *out)
{
	struct statfs fs;
	struct stat seen;
	*out = (struct spool){.new_fd = new_fd, .unnamed = true};
	if (fstatfs(new_fd, &fs) < 0)
		return -errno;
	out->needs_sync = !fsync_covers_name((long)fs.f_type);
	if (try_commit(out, &seen) != 0) {
		out->unnamed = false;
		int err = try_commit(out, &seen);
		if (err)
			return err;
	}
	out->needs_mode = (seen.st_mode & 07777) != MESSAGE_MODE;
	return 0;
}

/*
 * Reads until TEXT holds WANT octets of the file, or the whole file (*whole); at least ENVELOPE_FIRST_READ at a time.
 */
static int read_up_to(int fd, size_t want, struct str *text, bool *whole)
{
	char chunk[16 * 1024];
	while (text->len < want && !*whole) {
		size_t left = want - text->len;
		size_t ask = left < ENVELOPE_FIRST_READ ? ENVELOPE_FIRST_READ
			     : left < sizeof(chunk)     ? left
							: sizeof(chunk);
		ssize_t got = pread(fd, chunk, ask, (off_t)text->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		*whole = got == 0;
		if (!str_append(text, (struct span){chunk, (size_t)got}))
			return -ENOMEM;
	}
	return 0;
}

int spool_read_envelope(int fd, struct str *text, struct arena *arena, struct envelope *out, const char **why)
{
	bool whole = false;
	*why = NULL;
	str_clear(text);
	/* Parses after the first read: a small message takes one system call, not two. */
	for (size_t want = 1; want <= ENVELOPE_MAX; want = 2 * (text->len > want ? text->len : want)) {
		int err = read_up_to(fd, want, text, &whole);
		if (err)
			return err;
		switch (envelope_parse(str_span(text), whole, arena, out, why)) {
		case ENVELOPE_OK:
			return 0;
		case ENVELOPE_BAD:
			return -EBADMSG;
		case ENVELOPE_MORE:
			break;
		}
	}
	*why = "the envelope lines have no end";
	return -EBADMSG;
}
