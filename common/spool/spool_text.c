#include "common/spool/spool_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/spool/spool.h"

static void hidden_name(const char *id, char *to)
{
	snprintf(to, MSGNAME_MAX, ".%s", id);
}

int spool_text_begin(struct spool_text *text)
{
	if (!text->buffer)
		text->buffer = malloc(SPOOL_BUFFER);
	if (!text->buffer)
		return -ENOMEM;
	text->fd = -1;
	text->hidden[0] = '\0';
	text->size = 0;
	text->eight_bit = false;
	text->buffered = 0;
	return 0;
}

/* For reading, too: see spool_text_read. */
static int open_unnamed(const struct spool *spool)
{
	int fd = openat(spool->new_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, SPOOL_MODE);
	return fd < 0 ? -errno : fd;
}

static int open_hidden(const struct spool *spool, const char *id)
{
	char name[MSGNAME_MAX];
	hidden_name(id, name);
	int fd = openat(spool->new_fd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, SPOOL_MODE);
	return fd < 0 ? -errno : fd;
}

void spool_text_drop(const struct spool *spool, struct spool_text *text)
{
	if (text->hidden[0]) {
		char name[MSGNAME_MAX];
		hidden_name(text->hidden, name);
		unlinkat(spool->new_fd, name, 0);
		text->hidden[0] = '\0';
	}
	fd_close(&text->fd);
}

static int prepare_file(const struct spool *spool, const struct spool_text *text)
{
	if (spool->needs_mode && fchmod(text->fd, SPOOL_MODE) < 0)
		return -errno;
	/* A file with a name must be locked from the start, or a scan takes it for an aborted write. */
	return text->hidden[0] ? spool_lock(text->fd) : 0;
}

int spool_text_open(const struct spool *spool, const char *id, struct spool_text *text)
{
	int fd = spool->unnamed ? open_unnamed(spool) : open_hidden(spool, id);
	if (fd < 0)
		return fd;
	text->fd = fd;
	if (!spool->unnamed)
		memcpy(text->hidden, id, sizeof(text->hidden));
	int err = prepare_file(spool, text);
	if (err)
		spool_text_drop(spool, text);
	return err;
}

uint64_t spool_text_in_file(const struct spool_text *text)
{
	return text->size - text->buffered;
}

static int read_file(const struct spool_text *text, uint64_t at, char *to, size_t size, size_t *got)
{
	ssize_t n;
	do
		n = pread(text->fd, to, size, (off_t)at);
	while (n < 0 && errno == EINTR);
	*got = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : n < 0 ? -errno : -EIO; /* as many octets were written */
}

int spool_text_read(const struct spool_text *text, uint64_t at, char *to, size_t size, size_t *got)
{
	uint64_t in_file = spool_text_in_file(text);
	*got = 0;
	if (!size || at >= text->size)
		return 0;
	uint64_t end = at < in_file ? in_file : text->size;
	if (size > end - at)
		size = (size_t)(end - at);
	if (at < in_file)
		return read_file(text, at, to, size, got);
	memcpy(to, text->buffer + (at - in_file), size);
	*got = size;
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
	return fd_rename_new(spool->new_fd, hidden, spool->new_fd, name);
}

int spool_text_name(const struct spool *spool, struct spool_text *text, const char *name)
{
	int err = text->hidden[0] ? name_hidden(spool, text->hidden, name) : spool_lock(text->fd);
	if (!err && !text->hidden[0])
		err = name_unnamed(spool, text->fd, name);
	if (!err)
		text->hidden[0] = '\0';
	return err;
}
