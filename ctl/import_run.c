#include "ctl/import_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/mail/journal.h"
#include "common/spool/envelope_file.h"
#include "common/spool/moved.h"
#include "common/spool/spool_text.h"

enum { PIECE = 64 * 1024, LOG_NAME = MSGID_LEN + 8, PROGRESS_MS = 500 };

static bool fail_entry(const struct import *import, const char *why)
{
	cmd_fail(
		_("%s, entry %s: %s; nothing was imported. Export again, and carry the file as it is (`sha256sum` of both copies tells)"),
		import->file, *import->unpack.entry.name ? import->unpack.entry.name : "?", why);
	return false;
}

static bool fail_spool(const struct import *import, const char *what, int err)
{
	cmd_fail(_("%s: can't %s: %s; nothing was imported"), import->place->path, what, strerror(err));
	return false;
}

/* Reads exactly N octets, or 0 at the end. False: the archive is shorter, or can't be read. */
static bool read_all(const struct import *import, char *to, size_t n)
{
	size_t have = 0;
	while (have < n) {
		ssize_t got = read(import->from, to + have, n - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			cmd_fail(_("can't read %s: %s; nothing was imported"), import->file, strerror(errno));
			return false;
		}
		if (!got)
			return fail_entry(import, _("the archive ends here, so it is not whole"));
		have += (size_t)got;
	}
	return true;
}

/* Copies the octets of the present entry to TO (-1: nowhere), and reads its padding. */
static bool copy_entry(struct import *import, int to)
{
	char piece[PIECE];
	uint64_t left = import->unpack.entry.size, padding = ustar_padding(left);
	import->text = (struct unpack_text){.last = 0};
	while (left) {
		size_t n = left < PIECE ? (size_t)left : PIECE;
		if (!read_all(import, piece, n))
			return false;
		unpack_text(&import->text, (struct span){piece, n});
		int err = to < 0 ? 0 : fd_write_all(to, (struct span){piece, n});
		if (err)
			return fail_spool(import, _("write a message"), -err);
		left -= n;
	}
	return read_all(import, piece, (size_t)padding);
}

static bool has_room(const struct import *import)
{
	struct statvfs fs;
	if (fstatvfs(import->folder, &fs) < 0)
		return true;
	uint64_t free = (uint64_t)fs.f_bavail * fs.f_frsize, floor = import->place->floor;
	return (free >= floor && free - floor >= import->unpack.entry.size) ||
	       fail_spool(import, _("write a message"), ENOSPC);
}

/* A new id with the time of the old one: the message keeps its age and its place in the order. */
static void make_id(struct import *import)
{
	unsigned char random[MSGID_RANDOM];
	const char *old = import->unpack.name.id;
	fd_random(random, sizeof(random));
	msgid_make(msgid_time(old) * 1000, random, import->fresh);
}

static int create(const struct import *import, const char *name, mode_t mode)
{
	int fd = openat(import->folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		fail_spool(import, _("make a file"), errno);
	else if (fchmod(fd, mode) < 0)
		fd_close(&fd);
	return fd;
}

static void log_name(const struct import *import, char to[LOG_NAME])
{
	snprintf(to, LOG_NAME, "%s.log", import->fresh);
}

/* Ends the journal with the line of the import. NEXT_S: the time of the next attempt. */
static bool end_log(struct import *import, int fd, bool torn, int64_t next_s)
{
	char text[128];
	struct str line;
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = next_s}};
	snprintf(text, sizeof(text), N_("by an operator, from an export where it was %s"), import->unpack.name.id);
	const struct journal_line told = {
		.wall_ms = clock_wall_ms(), .last = UINT32_MAX, .event = JOURNAL_IMPORTED, .text = span_of(text)};
	str_init(&line, JOURNAL_LINE_MAX + 1);
	if (torn)
		str_append_c(&line, '\n');
	journal_format(&told, &line);
	int err = line.failed ? -ENOMEM : fd_write_all(fd, str_span(&line));
	str_free(&line);
	if (!err && futimens(fd, times) < 0)
		err = -errno;
	return !err || fail_spool(import, _("write a journal"), -err);
}

/* Whether the message that begins here is wanted, and under which id. */
static void begin_message(struct import *import)
{
	import->skip = ledger_has(&import->ledger, import->unpack.name.id);
	make_id(import);
}

static bool take_log(struct import *import)
{
	char name[LOG_NAME];
	begin_message(import);
	if (import->skip)
		return copy_entry(import, -1);
	log_name(import, name);
	int fd = create(import, name, 0600);
	bool good =
		fd >= 0 && has_room(import) && copy_entry(import, fd) &&
		end_log(import, fd, import->unpack.entry.size && import->text.last != '\n', import->unpack.entry.mtime);
	fd_close(&fd);
	return good;
}

static bool is_here(const struct import *import)
{
	const char *name = import->unpack.entry.name;
	for (size_t i = 0; i < 2; i++)
		if (faccessat(import->place->folders[i], name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

static bool add_id(struct import *import)
{
	if (import->imported == import->ids_room) {
		size_t room = import->ids_room ? 2 * import->ids_room : 1024;
		char *more = room > IMPORT_MESSAGES_MAX * 2U ? NULL : reallocarray(import->ids, room, MOVED_LINE);
		if (!more)
			return fail_entry(import, _("there are too many messages for one import"));
		import->ids = more;
		import->ids_room = room;
	}
	char *line = import->ids + import->imported * MOVED_LINE;
	memcpy(line, import->unpack.name.id, MSGID_LEN);
	line[MSGID_LEN] = '\n';
	import->imported++;
	return true;
}

/* The message FD has what the queue and SMTP rely on. */
static bool is_message(struct import *import, int fd)
{
	struct envelope envelope;
	const char *why = "";
	if (!unpack_text_good(&import->text))
		return fail_entry(import, _("it has lines that do not end in CRLF"));
	arena_reset(&import->arena);
	int err = envelope_file_read(fd, &import->envelope, &import->arena, &envelope, &why);
	return !err || fail_entry(import, err == -EBADMSG && why ? _(why) : strerror(-err));
}

/* Gives FD, which was written as `message`, its name, which says whether it has octets above 127. */
static bool name_message(struct import *import)
{
	char file[MSGNAME_MAX];
	struct msgname name = {.size = import->unpack.name.size, .eight_bit = import->text.eight_bit};
	memcpy(name.id, import->fresh, sizeof(name.id));
	msgname_format(&name, file);
	return renameat(import->folder, "message", import->folder, file) == 0 ||
	       fail_spool(import, _("rename a message"), errno);
}

/* A message without a journal gets one, with the time of the import for its first attempt. */
static bool make_log(struct import *import)
{
	char name[LOG_NAME];
	log_name(import, name);
	int fd = create(import, name, 0600);
	bool good = fd >= 0 && end_log(import, fd, false, clock_wall_ms() / 1000);
	fd_close(&fd);
	return good;
}

static bool skip_message(struct import *import)
{
	char name[LOG_NAME];
	log_name(import, name);
	unlinkat(import->folder, name, 0); /* of a message that is here, which only its own name tells */
	return copy_entry(import, -1);
}

static bool take_message(struct import *import, bool has_log)
{
	if (!has_log)
		begin_message(import);
	bool here = is_here(import);
	import->already += import->skip && !here;
	import->here += here;
	if (import->skip || here)
		return skip_message(import);
	if (!has_room(import))
		return false;
	int fd = create(import, "message", SPOOL_MODE);
	bool good = fd >= 0 && copy_entry(import, fd) && is_message(import, fd) && name_message(import) &&
		    (has_log || make_log(import)) && add_id(import);
	import->octets += import->unpack.entry.size;
	fd_close(&fd);
	return good;
}

static void tell(struct import *import)
{
	int64_t now = clock_mono_ms();
	if (!import->show_progress || now - import->told_ms < PROGRESS_MS)
		return;
	import->told_ms = now;
	fprintf(stderr, "\r%" PRIu64 " ", import->imported);
}

static bool read_archive(struct import *import)
{
	char block[USTAR_BLOCK];
	const char *why;
	bool has_log = false;
	while (read_all(import, block, sizeof(block))) {
		enum unpack_kind kind = unpack_header(&import->unpack, block, &why);
		bool good = true;
		if (kind == UNPACK_END)
			return true;
		if (kind == UNPACK_BAD)
			return fail_entry(import, _(why));
		if (kind == UNPACK_HEAD)
			good = copy_entry(import, -1);
		else if (kind == UNPACK_LOG)
			good = take_log(import);
		else
			good = take_message(import, has_log);
		has_log = kind == UNPACK_LOG;
		if (!good)
			return false;
		tell(import);
	}
	return false;
}

static int by_line(const void *a, const void *b)
{
	return memcmp(a, b, MOVED_LINE);
}

static bool write_list(struct import *import)
{
	qsort(import->ids, import->imported, MOVED_LINE, by_line);
	for (size_t i = 1; i < import->imported; i++) {
		const char *line = import->ids + i * MOVED_LINE;
		if (memcmp(line - MOVED_LINE, line, MOVED_LINE) == 0) {
			snprintf(import->unpack.entry.name, sizeof(import->unpack.entry.name), "%.*s", MSGID_LEN, line);
			return fail_entry(import, _("the archive has this message twice"));
		}
	}
	int fd = create(import, MOVED_LIST, 0600);
	int err = fd < 0 ? -EIO : fd_write_all(fd, (struct span){import->ids, import->imported * MOVED_LINE});
	fd_close(&fd);
	return !err || fail_spool(import, _("write the list"), -err);
}

/* Everything is on disk before the one rename that gives it to the queue. */
static bool give_to_queue(struct import *import)
{
	if (syncfs(import->folder) < 0)
		return fail_spool(import, _("sync the disk"), errno);
	if (renameat(import->place->moved, import->name, import->place->moved, import->name + 1) < 0)
		return fail_spool(import, _("give the mail to the queue"), errno);
	import->name[0] = '\0';
	fsync(import->place->moved);
	return true;
}

static void remove_folder(int moved, const char *name)
{
	const struct dirent *entry;
	int fd = openat(moved, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	while (all && (entry = readdir(all)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(fd, entry->d_name, 0);
	if (all)
		closedir(all);
	unlinkat(moved, name, AT_REMOVEDIR);
}

/* A folder that the queue has emptied, unless an export is about to fill it. */
static void remove_empty(int moved, const char *name)
{
	int fd = openat(moved, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(moved, name, AT_REMOVEDIR);
	fd_close(&fd);
}

/* What an import that was ended has left, and empty folders. */
static void remove_rest(int moved)
{
	const struct dirent *entry;
	int again = openat(moved, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = again < 0 ? NULL : fdopendir(again);
	while (all && (entry = readdir(all)))
		if (span_starts(span_of(entry->d_name), SPAN(MOVED_READING)))
			remove_folder(moved, entry->d_name);
		else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_empty(moved, entry->d_name);
	if (all)
		closedir(all);
}

static bool begin(struct import *import)
{
	uint64_t number;
	int moved = import->place->moved;
	if (flock(moved, LOCK_EX | LOCK_NB) < 0) {
		cmd_fail(_("another import into %s is at work; try again when it has ended"), import->place->path);
		return false;
	}
	remove_rest(moved);
	int err = ledger_open(moved, &import->ledger);
	if (err == -EMFILE)
		cmd_fail(_("%s has the lists of %d imports of the last %d days; one more would make each slow"),
			 import->place->path, LEDGER_LISTS_MAX, MOVED_DAYS);
	else if (err)
		fail_spool(import, _("read the lists of earlier imports"), -err);
	if (err)
		return false;
	fd_random(&number, sizeof(number));
	snprintf(import->name, sizeof(import->name), MOVED_READING "%016" PRIx64, number);
	if (mkdirat(moved, import->name, 0700) == 0)
		import->folder = openat(moved, import->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return import->folder >= 0 || fail_spool(import, _("make a folder"), errno);
}

static uint64_t file_max(uint64_t message_max)
{
	uint64_t more = ENVELOPE_MAX + SPOOL_BUFFER; /* the envelope, and what we write in front of the header */
	return message_max > USTAR_SIZE_MAX - more ? USTAR_SIZE_MAX : message_max + more;
}

bool import_run(struct import *import)
{
	import->folder = -1;
	import->unpack = (struct unpack){.message_max = file_max(import->place->message_max)};
	str_init(&import->envelope, ENVELOPE_MAX);
	arena_init(&import->arena, ENVELOPE_MAX);
	bool good = begin(import) && read_archive(import);
	if (import->show_progress)
		fputs("\r\033[K", stderr);
	good = good && (!import->imported || (write_list(import) && give_to_queue(import)));
	if (*import->name)
		remove_folder(import->place->moved, import->name);
	fd_close(&import->folder);
	ledger_close(&import->ledger);
	free(import->ids);
	str_free(&import->envelope);
	arena_free(&import->arena);
	return good;
}
