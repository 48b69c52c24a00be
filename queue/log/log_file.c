#include "queue/log/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"

enum {
	LINES_MAX = 4 << 20, /* octets of one packet: 32 KiB of the shortest records make the longest lines */
	LATE_MS = 60 * 1000, /* a clock that is set back by less opens no other file */
	OLDEST_MS = 24 * 3600 * 1000,
	MARK_PACKETS_MAX = 1 << 20,
	QUIET_MS = 2000 /* on a nearly full disk some batches succeed and others fail: that is logged as one event */
};

/* The content of ".last-batch": the offsets of a batch in file `name`, before and after it, and its mark. */
struct note {
	char magic[8];
	char name[LOG_PERIOD_NAME_MAX];
	uint64_t before, after;
	struct log_mark mark;
};
static const char note_magic[8] = "mrlog01";

int log_file_init(struct log_file *f, const char *dir, const struct log_format *format, const struct log_naming *naming)
{
	*f = (struct log_file){.format = *format, .naming = *naming, .note_fd = -1, .fd = -1, .number = 1};
	str_init(&f->lines, LINES_MAX);
	str_init(&f->batch, LOG_FILE_BATCH + 2 * LINES_MAX);
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return -errno;
	f->note_fd = openat(f->dir_fd, ".last-batch", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return f->note_fd < 0 && errno != ENOSPC && errno != EDQUOT ? -errno : 0;
}

void log_file_free(struct log_file *f)
{
	fd_close(&f->fd);
	fd_close(&f->note_fd);
	fd_close(&f->dir_fd);
	str_free(&f->lines);
	str_free(&f->batch);
}

void log_file_change(struct log_file *f, const struct log_format *format, const struct log_naming *naming)
{
	f->format = *format;
	f->naming = *naming;
	f->number = 1;
	fd_close(&f->fd);
}

void log_file_add(struct log_file *f, const struct wire_record *record)
{
	log_format_record(&f->format, record, &f->lines);
	f->lines_count++;
}

void log_file_lost(struct log_file *f, uint64_t count)
{
	if (count && !f->lost)
		log_warning("records=%llu status=lost: the transaction log can't keep up", (unsigned long long)count);
	f->lost += count;
}

static bool by_size(const struct log_file *f)
{
	return f->naming.period.kind == CONFIG_PERIOD_SIZE;
}

/* The clock was set back to a time before the period of the open file. */
static bool clock_went_back(const struct log_file *f, int64_t now_ms)
{
	char name[LOG_PERIOD_NAME_MAX];
	if (now_ms >= f->begun_ms - LATE_MS)
		return false;
	log_period_name(&f->naming, now_ms, f->number, name);
	return strcmp(name, f->name) != 0;
}

bool log_file_moves(const struct log_file *f, int64_t time_ms, int64_t now_ms)
{
	uint64_t filled = f->size + f->batch.len;
	if (f->fd < 0)
		return false;
	if (by_size(f))
		return filled && filled + f->lines.len > (uint64_t)f->naming.period.octets;
	return (time_ms < now_ms ? time_ms : now_ms) >= f->end_ms || clock_went_back(f, now_ms);
}

/* The highest number in use, or 1. */
static uint64_t last_number(const struct log_file *f)
{
	uint64_t last = 1;
	int fd = openat(f->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return last;
	}
	for (const struct dirent *entry; (entry = readdir(dir));) {
		uint64_t number = log_period_number(&f->naming, span_of(entry->d_name));
		last = number > last ? number : last;
	}
	closedir(dir);
	return last;
}

/* Cuts off a line without a line end, which a power failure left. */
static int cut_torn_line(int fd, uint64_t *size)
{
	char tail[LOG_FORMAT_LINE_MAX];
	size_t len = *size < sizeof(tail) ? (size_t)*size : sizeof(tail);
	ssize_t got = pread(fd, tail, len, (off_t)(*size - len));
	if (got < 0)
		return -errno;
	size_t whole = (size_t)got;
	while (whole && tail[whole - 1] != '\n')
		whole--;
	if (whole == (size_t)got)
		return 0;
	*size -= (size_t)got - whole;
	return ftruncate(fd, (off_t)*size) == 0 ? 0 : -errno;
}

static int open_named(struct log_file *f)
{
	struct stat st;
	int fd = openat(f->dir_fd, f->name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (fd < 0)
		return -errno;
	int error = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	f->size = error ? 0 : (uint64_t)st.st_size;
	if (!error && f->size)
		error = cut_torn_line(fd, &f->size);
	if (error) {
		fd_close(&fd);
		return error;
	}
	f->fd = fd;
	f->inode = st.st_ino;
	f->header_due = true;
	return 0;
}

/* A record may be late because the log was down. But no record opens a file of the future, or one older than a day. */
static int open_for(struct log_file *f, int64_t time_ms, int64_t now_ms)
{
	if (time_ms > now_ms)
		time_ms = now_ms;
	if (time_ms < now_ms - OLDEST_MS)
		time_ms = now_ms - OLDEST_MS;
	f->begun_ms = time_ms;
	f->end_ms = log_period_end(&f->naming, time_ms);
	log_period_name(&f->naming, time_ms, f->number, f->name);
	return open_named(f);
}

static int open_fitting(struct log_file *f, int64_t time_ms, int64_t now_ms)
{
	bool moves = log_file_moves(f, time_ms, now_ms);
	if (f->fd >= 0 && !moves)
		return 0;
	if (f->fd < 0 && by_size(f))
		f->number = last_number(f);
	else if (by_size(f))
		f->number++;
	fd_close(&f->fd);
	int error = open_for(f, time_ms, now_ms);
	if (!error && by_size(f) && log_file_moves(f, time_ms, now_ms)) {
		f->number++;
		fd_close(&f->fd);
		error = open_for(f, time_ms, now_ms);
	}
	return error;
}

/* An administrator or logrotate may have moved, removed or emptied the file meanwhile. */
static void check_file(struct log_file *f)
{
	struct stat st;
	if (f->fd < 0 || f->batch.len)
		return;
	if (fstatat(f->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == f->inode)
		f->size = (uint64_t)st.st_size;
	else
		fd_close(&f->fd);
	f->header_due = f->header_due || !f->size;
}

static void fail(struct log_file *f, int error, uint64_t count)
{
	if (!f->failing)
		log_error("file=%s can't be written: %s; the transaction log loses records until this is corrected",
			  f->name, strerror(-error));
	f->failing = true;
	f->failed_ms = f->seen_ms;
	f->lost += count;
	f->lost_failing += count;
}

static void recovered(struct log_file *f)
{
	if (!f->failing || f->seen_ms < f->failed_ms + QUIET_MS)
		return;
	log_warning("file=%s can be written again; records=%llu were lost", f->name,
		    (unsigned long long)f->lost_failing);
	f->failing = false;
	f->lost_failing = 0;
}

static void begin_batch(struct log_file *f, int64_t now_ms)
{
	f->lost_told = 0;
	if (f->header_due)
		log_format_header(&f->format, now_ms, &f->batch);
	if (f->lost)
		log_format_lost(&f->format, f->lost, now_ms, &f->batch);
	f->lost_told = f->lost;
}

bool log_file_take(struct log_file *f, int64_t time_ms, int64_t now_ms)
{
	f->seen_ms = now_ms;
	check_file(f);
	int error = f->lines.failed ? -ENOMEM : open_fitting(f, time_ms, now_ms);
	if (!error && !f->batch.len)
		begin_batch(f, now_ms);
	if (!error && !str_append(&f->batch, str_span(&f->lines)))
		error = -ENOMEM;
	if (error)
		fail(f, error, f->lines_count);
	else
		f->batch_count += f->lines_count;
	f->lines_count = 0;
	str_clear(&f->lines);
	return f->batch.len >= LOG_FILE_BATCH;
}

static void write_note(const struct log_file *f, const struct log_mark *mark)
{
	struct note note = {.before = f->size, .after = f->size + f->batch.len, .mark = *mark};
	memcpy(note.magic, note_magic, sizeof(note.magic));
	memcpy(note.name, f->name, sizeof(note.name));
	/* If the note can't be written, the worst is that a kill at this moment repeats the batch. */
	if (f->note_fd >= 0)
		(void)!pwrite(f->note_fd, &note, sizeof(note), 0);
}

void log_file_write(struct log_file *f, const struct log_mark *mark)
{
	if (!f->batch.len)
		return;
	write_note(f, mark);
	int error = fd_write_all(f->fd, str_span(&f->batch));
	if (error) {
		/* A part of a batch would end within a line. */
		if (ftruncate(f->fd, (off_t)f->size) != 0)
			fd_close(&f->fd);
		fail(f, error, f->batch_count);
	} else {
		f->size += f->batch.len;
		f->header_due = false;
		f->lost -= f->lost_told;
		recovered(f);
	}
	f->batch_count = 0;
	str_clear(&f->batch);
}

static bool read_note(const struct log_file *f, struct note *note)
{
	if (f->note_fd < 0 || pread(f->note_fd, note, sizeof(*note), 0) != sizeof(*note))
		return false;
	return !memcmp(note->magic, note_magic, sizeof(note->magic)) && memchr(note->name, '\0', sizeof(note->name)) &&
	       !strchr(note->name, '/') && note->mark.packets <= MARK_PACKETS_MAX;
}

bool log_file_recall(const struct log_file *f, struct log_mark *mark)
{
	struct note note;
	if (!read_note(f, &note))
		return false;
	*mark = note.mark;
	return true;
}

bool log_file_stands(const struct log_file *f)
{
	struct note note;
	struct stat st;
	if (!read_note(f, &note))
		return false;
	int fd = openat(f->dir_fd, note.name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	uint64_t size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	if (size > note.before && size < note.after && ftruncate(fd, (off_t)note.before) != 0)
		log_error("file=%s: can't remove an incomplete batch at its end: %s", note.name, strerror(errno));
	fd_close(&fd);
	return size >= note.after;
}
