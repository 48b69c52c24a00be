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

enum { IDS_MAX = 10 }; /* for one message */

/* File systems whose fsync of a file makes its name durable, too, and those that keep nothing over a restart. */
static const long name_safe[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, RAMFS_MAGIC};

static bool fsync_covers_name(long type)
{
	for (size_t i = 0; i < sizeof(name_safe) / sizeof(name_safe[0]); i++)
		if (type == name_safe[i])
			return true;
	return false;
}

static void fresh_id(struct spool_file *file, char id[MSGID_LEN + 1])
{
	if (file->random_left < MSGID_RANDOM) {
		fd_random(file->random, sizeof(file->random));
		file->random_left = sizeof(file->random);
	}
	file->random_left -= MSGID_RANDOM;
	msgid_make(clock_wall_ms(), file->random + file->random_left, id);
}

static int open_given(struct spool_file *file, const char *id)
{
	if (!msgid_valid(span_of(id)))
		return -EINVAL;
	memcpy(file->id, id, sizeof(file->id));
	return spool_text_open(file->spool, file->id, &file->text);
}

/* A scan may come between the creation of a file with a name and its lock, and then removes the file. */
static int open_fresh(struct spool_file *file, char id[MSGID_LEN + 1])
{
	int err = -EWOULDBLOCK;
	for (int i = 0; i < IDS_MAX && err == -EWOULDBLOCK; i++) {
		fresh_id(file, id);
		err = spool_text_open(file->spool, id, &file->text);
	}
	return err;
}

int spool_begin(const struct spool *spool, const char *id, struct spool_file *file)
{
	spool_abort(file);
	int err = spool_text_begin(&file->text);
	if (err)
		return err;
	file->spool = spool;
	file->staged = false;
	file->name[0] = '\0';
	return id ? open_given(file, id) : open_fresh(file, file->id);
}

static bool is_open(const struct spool_file *file)
{
	return file->replacing || file->text.fd >= 0;
}

/* After an error nothing is left of the message. */
static int abort_on(struct spool_file *file, int err)
{
	if (err)
		spool_abort(file);
	return err;
}

/* A second text gets its file late. That file's id is of no use but for a name while it is written. */
static int need_file(struct spool_file *file)
{
	char id[MSGID_LEN + 1];
	return file->text.fd < 0 ? open_fresh(file, id) : 0;
}

static int flush(struct spool_file *file)
{
	struct spool_text *text = &file->text;
	struct span octets = {text->buffer, text->buffered};
	int err = need_file(file);
	if (err)
		return err;
	text->eight_bit = text->eight_bit || span_eight_bit(octets);
	text->buffered = 0;
	return fd_write_all(text->fd, octets);
}

int spool_write(struct spool_file *file, struct span octets)
{
	struct spool_text *text = &file->text;
	if (!is_open(file))
		return -EBADF;
	while (octets.len) {
		int err = text->buffered == SPOOL_BUFFER ? flush(file) : 0;
		if (err)
			return abort_on(file, err);
		size_t room = SPOOL_BUFFER - text->buffered;
		size_t n = octets.len < room ? octets.len : room;
		memcpy(text->buffer + text->buffered, octets.at, n);
		text->buffered += n;
		text->size += n;
		octets = span_skip(octets, n);
	}
	return 0;
}

int spool_read(const struct spool_file *file, uint64_t at, char *to, size_t size, size_t *got)
{
	*got = 0;
	if (!is_open(file))
		return -EBADF;
	return spool_text_read(file->replacing ? &file->replaced : &file->text, at, to, size, got);
}

static void swap_texts(struct spool_file *file)
{
	struct spool_text text = file->text;
	file->text = file->replaced;
	file->replaced = text;
}

int spool_replace_begin(struct spool_file *file)
{
	if (!is_open(file) || file->replacing)
		return abort_on(file, -EBADF);
	int err = spool_text_begin(&file->replaced);
	if (err)
		return abort_on(file, err);
	swap_texts(file);
	file->replacing = true;
	return 0;
}

/* A file that has no octets yet serves the next text. */
static int take_file(struct spool_file *file)
{
	struct spool_text *from = &file->replaced;
	if (file->text.fd >= 0)
		return 0;
	if (spool_text_in_file(from))
		return need_file(file);
	file->text.fd = from->fd;
	memcpy(file->text.hidden, from->hidden, sizeof(from->hidden));
	from->fd = -1;
	from->hidden[0] = '\0';
	return 0;
}

int spool_replace_end(struct spool_file *file, bool take)
{
	if (!file->replacing)
		return abort_on(file, -EBADF);
	int err = take ? take_file(file) : 0;
	if (err)
		return abort_on(file, err);
	if (!take)
		swap_texts(file);
	spool_text_drop(file->spool, &file->replaced);
	file->replacing = false;
	return 0;
}

/* All steps up to the name: spool_abort can undo them. */
static int flush_lock_name(struct spool_file *file)
{
	struct spool_text *text = &file->text;
	int err = text->buffered ? flush(file) : 0;
	if (err)
		return err;
	struct msgname name = {.size = text->size, .eight_bit = text->eight_bit};
	memcpy(name.id, file->id, sizeof(name.id));
	file->name[0] = '.';
	msgname_format(&name, file->name + file->staged);
	return spool_text_name(file->spool, text, file->name);
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
	if (!is_open(file) || file->replacing)
		return abort_on(file, -EBADF);
	int err = flush_lock_name(file);
	if (err)
		return abort_on(file, err);
	err = make_durable(file->spool, file->text.fd);
	if (err)
		spool_unlink(file);
	return err;
}

int spool_publish(struct spool_file *file)
{
	const char *final = file->name + 1;
	if (file->text.fd < 0 || !file->staged)
		return -EBADF;
	int err = fd_rename_new(file->spool->new_fd, file->name, file->spool->new_fd, final);
	if (err)
		return err;
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
	int err = spool_lock(file->text.fd);
	if (!err && fstat(file->text.fd, &st) < 0)
		err = -errno;
	if (err)
		return err;
	return (uint64_t)st.st_size == named->size ? make_durable(spool, file->text.fd) : -EBADMSG;
}

int spool_take_staged(const struct spool *spool, const char *name, struct spool_file *file)
{
	struct msgname named;
	if (!is_staged(name, &named))
		return -EINVAL;
	file->text.fd = openat(spool->new_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file->text.fd < 0)
		return -errno;
	file->spool = spool;
	file->staged = true;
	file->text.size = named.size;
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
	fd_close(&file->text.fd);
}

void spool_unlink(struct spool_file *file)
{
	if (file->text.fd < 0)
		return;
	unlinkat(file->spool->new_fd, file->name, 0);
	fd_close(&file->text.fd);
}

void spool_abort(struct spool_file *file)
{
	spool_text_drop(file->spool, &file->text);
	if (file->replacing)
		spool_text_drop(file->spool, &file->replaced);
	file->replacing = false;
}

void spool_file_free(struct spool_file *file)
{
	spool_abort(file);
	free(file->text.buffer);
	free(file->replaced.buffer);
	file->text.buffer = file->replaced.buffer = NULL;
}

int spool_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
}

/* Commits an empty file and removes it. Nobody was told of it, so the unlink can't race. */
static int try_commit(const struct spool *spool, struct stat *seen)
{
	struct spool_file file = {.text.fd = -1};
	int err = spool_begin(spool, NULL, &file);
	if (!err && fstat(file.text.fd, seen) < 0)
		err = -errno;
	if (!err)
		err = flush_lock_name(&file);
	if (err) {
		spool_file_free(&file);
		return err;
	}
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
	out->needs_mode = (seen.st_mode & 07777) != SPOOL_MODE;
	return 0;
}
