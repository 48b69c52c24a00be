#include "ctl/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/cmd.h"

enum { END = 2 * USTAR_BLOCK, PIECE = 64 * 1024 };

static const char zeros[END];
static const char unfinished[END] = "This export of Mailroot is not finished: mailroot-export has its number.\n";

/* The folder of FILE, and the names in it. */
static bool open_place(const char *file, struct archive *out)
{
	char path[PATH_MAX], name[PATH_MAX];
	*out = (struct archive){.fd = -1, .folder = -1};
	if (!span_copy(span_of(file), path, sizeof(path)) || !span_copy(span_of(file), name, sizeof(name)))
		return false;
	const char *base = basename(name);
	if (strlen(base) > NAME_MAX - strlen(".part"))
		return false;
	snprintf(out->name, sizeof(out->name), "%s", base);
	snprintf(out->part, sizeof(out->part), "%s.part", out->name);
	out->folder = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return out->folder >= 0;
}

static int add_head(struct archive *archive)
{
	char text[64];
	struct ustar head = {.name = ARCHIVE_HEAD};
	uint64_t number;
	fd_random(&number, sizeof(number));
	snprintf(archive->number, sizeof(archive->number), "%016" PRIx64, number);
	int n = snprintf(text, sizeof(text), "%s\n", archive->number);
	head.size = (uint64_t)n;
	return archive_add_text(archive, &head, (struct span){text, (size_t)n});
}

static bool fail(struct archive *archive, const char *file, int err)
{
	cmd_fail(_("can't write %s: %s"), file, strerror(err));
	archive_abandon(archive);
	archive_close(archive);
	return false;
}

bool archive_to(int fd, struct archive *out)
{
	*out = (struct archive){.fd = fd, .folder = -1};
	int err = add_head(out);
	return !err || fail(out, "-", -err);
}

bool archive_create(const char *file, struct archive *out)
{
	if (strcmp(file, "-") == 0)
		return archive_to(STDOUT_FILENO, out);
	if (!open_place(file, out))
		return fail(out, file, errno);
	out->fd = openat(out->folder, out->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out->fd < 0)
		return fail(out, file, errno);
	int err = add_head(out);
	return !err || fail(out, file, -err);
}

/* The number in the first entry of the open archive. */
static bool read_number(struct archive *archive)
{
	char block[2 * USTAR_BLOCK];
	struct ustar head;
	const char *why;
	if (pread(archive->fd, block, sizeof(block), 0) != (ssize_t)sizeof(block) ||
	    ustar_parse(block, &head, &why) != USTAR_FILE || strcmp(head.name, ARCHIVE_HEAD) != 0 ||
	    head.size != ARCHIVE_NUMBER_LEN + 1)
		return false;
	memcpy(archive->number, block + USTAR_BLOCK, ARCHIVE_NUMBER_LEN);
	return strspn(archive->number, "0123456789abcdef") == ARCHIVE_NUMBER_LEN;
}

bool archive_find(const char *file, struct archive *out)
{
	struct stat st;
	if (!open_place(file, out))
		return false;
	const char *const names[] = {out->name, out->part};
	for (size_t i = 0; i < 2 && out->fd < 0; i++)
		out->fd = openat(out->folder, names[i], O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (out->fd < 0 || fstat(out->fd, &st) < 0 || !S_ISREG(st.st_mode) || !read_number(out))
		out->number[0] = '\0';
	else
		out->at = (uint64_t)st.st_size > END ? (uint64_t)st.st_size - END : 0;
	return out->fd >= 0;
}

static int write_all(struct archive *archive, const char *at, size_t n)
{
	int err = fd_write_all(archive->fd, (struct span){at, n});
	archive->at += err ? 0 : n;
	return err;
}

static int add_header(struct archive *archive, const struct ustar *entry)
{
	char block[USTAR_BLOCK];
	if (entry->size > USTAR_SIZE_MAX)
		return -EFBIG;
	ustar_format(entry, block);
	return write_all(archive, block, sizeof(block));
}

int archive_add_text(struct archive *archive, const struct ustar *entry, struct span text)
{
	int err = add_header(archive, entry);
	if (!err)
		err = write_all(archive, text.at, text.len);
	return err ? err : write_all(archive, zeros, ustar_padding(entry->size));
}

int archive_add_file(struct archive *archive, const struct ustar *entry, int fd)
{
	char piece[PIECE];
	int err = add_header(archive, entry);
	for (uint64_t at = 0; !err && at < entry->size;) {
		uint64_t left = entry->size - at;
		ssize_t got = pread(fd, piece, left < PIECE ? left : PIECE, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		at += (uint64_t)got;
		err = write_all(archive, piece, (size_t)got);
	}
	return err ? err : write_all(archive, zeros, ustar_padding(entry->size));
}

int archive_cut(struct archive *archive, uint64_t at)
{
	if (archive->folder < 0)
		return -ESPIPE;
	if (ftruncate(archive->fd, (off_t)at) < 0 || lseek(archive->fd, (off_t)at, SEEK_SET) < 0)
		return -errno;
	archive->at = at;
	return 0;
}

int archive_seal(struct archive *archive)
{
	if (archive->folder < 0)
		return 0;
	uint64_t at = archive->at;
	int err = write_all(archive, unfinished, END);
	archive->at = at;
	return err ? err : fsync(archive->fd) < 0 ? -errno : 0;
}

int archive_finish(struct archive *archive)
{
	if (archive->folder < 0)
		return write_all(archive, zeros, END);
	if (pwrite(archive->fd, zeros, END, (off_t)archive->at) != END || fsync(archive->fd) < 0)
		return errno ? -errno : -EIO;
	int err = fd_rename_new(archive->folder, archive->part, archive->folder, archive->name);
	if (err == -ENOENT) /* a run before this one has named it */
		err = 0;
	return err ? err : fsync(archive->folder) < 0 ? -errno : 0;
}

void archive_abandon(struct archive *archive)
{
	if (archive->folder >= 0 && archive->fd >= 0)
		unlinkat(archive->folder, archive->part, 0);
}

void archive_close(struct archive *archive)
{
	if (archive->folder >= 0)
		fd_close(&archive->fd);
	fd_close(&archive->folder);
}
