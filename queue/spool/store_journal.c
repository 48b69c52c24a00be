/* The journals in cur/. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/spool/journal_file.h"
#include "queue/spool/store.h"
#include "queue/spool/store_file.h"

enum { SECTOR = 512 };

/*
 * The length of the whole lines in FD, which has SIZE octets. A torn end may be longer than a line: a power cut can
 * leave zeros.
 */
static off_t whole_length(int fd, off_t size)
{
	char block[JOURNAL_LINE_MAX];
	for (off_t end = size, from; end > 0; end = from) {
		from = end > (off_t)sizeof(block) ? end - (off_t)sizeof(block) : 0;
		ssize_t got = pread(fd, block, (size_t)(end - from), from);
		if (got <= 0)
			return size;
		size_t whole = journal_whole((struct span){block, (size_t)got});
		if (whole)
			return from + (off_t)whole;
	}
	return 0;
}

static int mend_tail(int fd, off_t size, bool alone)
{
	off_t whole = whole_length(fd, size);
	if (whole == size)
		return 0;
	if (!alone)
		return fd_write_all(fd, SPAN("\n"));
	return ftruncate(fd, whole) == 0 ? 0 : -errno;
}

/* A file system may not support this. Then lines that can't be written stay in memory. */
static int reserve(int fd, const struct stat *st, size_t room)
{
	if ((off_t)st->st_blocks * SECTOR >= st->st_size + (off_t)room)
		return 0;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, st->st_size, (off_t)room) == 0 || errno == EOPNOTSUPP)
		return 0;
	return -errno;
}

static int prepare_journal(int fd, size_t room, bool alone)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	int err = mend_tail(fd, st.st_size, alone);
	return err || !room ? err : reserve(fd, &st, room);
}

int store_journal_open(const struct store *s, struct message *m, size_t room, bool alone)
{
	char name[STORE_FILE_NAME];
	store_file_name(m->id, ".log", name);
	int fd = openat(s->cur_fd, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int err = prepare_journal(fd, room, alone);
	if (err) {
		fd_close(&fd);
		return err;
	}
	m->has_log = true;
	return fd;
}

int store_journal_append(const struct store *s, struct message *m, struct span lines, bool durable)
{
	int fd = store_journal_open(s, m, 0, false);
	if (fd < 0)
		return fd;
	int err = fd_write_all(fd, lines);
	if (!err && durable)
		err = store_sync(fd);
	fd_close(&fd);
	return err;
}

int store_journal_to_read(const struct store *s, const struct message *m, struct stat *st)
{
	char name[STORE_FILE_NAME];
	store_file_name(m->id, ".log", name);
	int fd = openat(s->cur_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO || errno == EACCES ? -EBADMSG : -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	fd_close(&fd);
	return -EBADMSG;
}

/* The receiver of the lines. */
struct reader {
	void (*take)(void *context, const struct journal_line *line);
	void *context;
};

static void take_lines(void *context, struct span lines)
{
	const struct reader *reader = context;
	struct span text;
	struct journal_line line;
	while (span_line(&lines, &text))
		if (journal_parse(text, &line))
			reader->take(reader->context, &line);
}

int store_journal_read(const struct store *s, const struct message *m,
		       void (*take)(void *context, const struct journal_line *line), void *context)
{
	struct stat st;
	struct reader reader = {take, context};
	int fd = m->has_log ? store_journal_to_read(s, m, &st) : -ENOENT;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	int err = journal_file_read(fd, take_lines, &reader);
	fd_close(&fd);
	return err;
}

int store_journal_tail(const struct store *s, const struct message *m, size_t max, struct str *to)
{
	struct stat st;
	int fd = m->has_log ? store_journal_to_read(s, m, &st) : -ENOENT;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	bool cut = st.st_size > (off_t)max;
	struct str text;
	str_init(&text, max);
	int err = 0;
	if (lseek(fd, cut ? st.st_size - (off_t)max : 0, SEEK_SET) >= 0)
		err = fd_read_all(fd, &text);
	struct span lines = str_span(&text);
	lines.len = journal_whole(lines);
	if (cut)
		span_take(&lines, '\n');
	str_append(to, lines);
	str_free(&text);
	fd_close(&fd);
	return err == -EFBIG ? 0 : err;
}

int store_set_next_try(const struct store *s, const struct message *m, int64_t wall_ms)
{
	char name[STORE_FILE_NAME];
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
				    {.tv_sec = wall_ms / 1000, .tv_nsec = wall_ms % 1000 * 1000000}};
	store_file_name(m->id, ".log", name);
	return utimensat(s->cur_fd, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

int store_next_try(const struct store *s, const struct message *m, int64_t *wall_ms)
{
	char name[STORE_FILE_NAME];
	struct stat st;
	store_file_name(m->id, ".log", name);
	if (fstatat(s->cur_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*wall_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return 0;
}
