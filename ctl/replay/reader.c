#include "ctl/replay/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/cmd.h"
#include "ctl/replay/logfile.h"

enum { NAMES_MAX = 64 << 20 };

/* A file while it is read. */
struct open_file {
	struct logfile logfile;
	struct place place;
	bool skipping; /* the rest of a line that is too long */
	size_t len;
	char buffer[READER_LINE_MAX];
};

void reader_init(struct reader *reader, void (*take)(void *, const struct row *, const struct place *), void *context)
{
	*reader = (struct reader){.take = take, .context = context};
	arena_init(&reader->names, NAMES_MAX);
}

void reader_free(struct reader *reader)
{
	arena_free(&reader->names);
}

static void fail(struct reader *reader, const char *path, const char *why)
{
	reader->unread++;
	cmd_fail(_("can't read %s: %s"), path, why);
}

static void take_bad(struct reader *reader, const struct open_file *file, struct span line, const char *why)
{
	if (reader->bad < READER_BAD_KEPT) {
		struct bad_line *kept = &reader->kept[reader->bad];
		*kept = (struct bad_line){.place = file->place, .why = why};
		span_clean(line, kept->text, sizeof(kept->text));
	}
	reader->bad++;
}

static void take_line(struct reader *reader, struct open_file *file, struct span line)
{
	struct row row;
	const char *why;
	file->place.line++;
	switch (logfile_take(&file->logfile, line, &row, &why)) {
	case LOGFILE_ROW:
		reader->rows++;
		reader->take(reader->context, &row, &file->place);
		break;
	case LOGFILE_BAD:
		take_bad(reader, file, line, why);
		break;
	default:
		break;
	}
}

/* Takes the whole lines of the buffer. NULs before a line are dropped, so that a block of them needs no room. */
static void take_lines(struct reader *reader, struct open_file *file)
{
	struct span rest = {file->buffer, file->len};
	for (;;) {
		while (rest.len && !rest.at[0])
			rest = span_skip(rest, 1);
		size_t end = span_find(rest, '\n');
		if (end == rest.len)
			break;
		if (!file->skipping)
			take_line(reader, file, (struct span){rest.at, end});
		file->skipping = false;
		rest = span_skip(rest, end + 1);
	}
	memmove(file->buffer, rest.at, rest.len);
	file->len = rest.len;
	if (file->skipping) {
		file->len = 0;
	} else if (file->len == sizeof(file->buffer)) {
		file->place.line++;
		take_bad(reader, file, rest, N_("longer than 64 KiB"));
		file->skipping = true;
		file->len = 0;
	}
}

static void read_fd(struct reader *reader, int fd, const char *name)
{
	static struct open_file file;
	file = (struct open_file){.place.file = name};
	logfile_init(&file.logfile, name);
	for (;;) {
		size_t room = file.len < sizeof(file.buffer) ? sizeof(file.buffer) - file.len : 0;
		ssize_t got = read(fd, file.buffer + file.len, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail(reader, name, strerror(errno));
		if (got <= 0)
			break;
		file.len += (size_t)got;
		take_lines(reader, &file);
	}
	if (file.len && !file.skipping)
		take_line(reader, &file, (struct span){file.buffer, file.len});
	reader->files++;
}

static int is_log(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && span_ends_nocase(span_of(entry->d_name), SPAN(".log"));
}

static void read_folder(struct reader *reader, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_log, alphasort);
	if (count <= 0)
		fail(reader, path, count < 0 ? strerror(errno) : _("no file in this folder is called *.log"));
	for (int i = 0; i < count; i++) {
		const char *name = arena_printf(&reader->names, "%s/%s", path, entries[i]->d_name);
		free(entries[i]);
		if (name)
			reader_read(reader, name);
		else
			fail(reader, path, strerror(ENOMEM));
	}
	if (count >= 0)
		free(entries);
}

void reader_read(struct reader *reader, const char *path)
{
	struct stat status;
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) != 0)
		fail(reader, path, strerror(errno));
	else if (S_ISDIR(status.st_mode))
		read_folder(reader, path);
	else
		read_fd(reader, fd, standard ? "(standard input)" : path);
	if (!standard)
		fd_close(&fd);
}
