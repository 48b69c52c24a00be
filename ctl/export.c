#include "ctl/export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/spool/envelope_file.h"
#include "common/spool/journal_file.h"
#include "common/spool/spool.h"
#include "ctl/choose.h"

/* A delivery that ends soon is waited for: PASSES times WAIT_MS. */
enum { PASSES = 10, WAIT_MS = 300, PROGRESS_MS = 500, LOG_NAME = MSGID_LEN + 8 };

/* A message in the list of an export: 48 octets, the only memory that grows with the queue. */
struct item {
	char id[MSGID_LEN + 1];
	bool eight_bit, busy;
	uint8_t folder; /* index in place->folders */
	uint64_t size;
};

struct items {
	struct item *at;
	size_t count, room;
};

/* An open message and its journal. */
struct opened {
	struct msgname name;
	int fd, log; /* log: -1 = it has none */
	struct stat st, log_st;
};

static struct msgname name_of(const struct item *item)
{
	struct msgname name = {.size = item->size, .eight_bit = item->eight_bit};
	memcpy(name.id, item->id, sizeof(name.id));
	return name;
}

static bool add_item(struct items *items, const struct msgname *name, size_t folder)
{
	if (items->count == items->room) {
		size_t room = items->room ? 2 * items->room : 1024;
		struct item *more = reallocarray(items->at, room, sizeof(*more));
		if (!more)
			return false;
		items->at = more;
		items->room = room;
	}
	struct item *item = &items->at[items->count++];
	*item = (struct item){.eight_bit = name->eight_bit, .folder = (uint8_t)folder, .size = name->size};
	memcpy(item->id, name->id, sizeof(item->id));
	return true;
}

static bool list_folder(const struct export *e, size_t folder, struct items *items)
{
	const struct dirent *entry;
	struct msgname name;
	int again = openat(e->place->folders[folder], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = again < 0 ? NULL : fdopendir(again);
	int64_t now_s = clock_wall_ms() / 1000;
	bool good = all;
	while (good && (errno = 0, entry = readdir(all)))
		if (msgname_parse(span_of(entry->d_name), &name) &&
		    choose_by_name(e->options, e->ids, e->id_count, &name, now_s))
			good = add_item(items, &name, folder);
	good = good && !errno;
	if (!all)
		fd_close(&again);
	else
		closedir(all);
	return good;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->id, ((const struct item *)b)->id);
}

/* Lists new/ before cur/, so that no message on its way between them is missed; one that is met twice is listed once.
 */
static bool list_all(const struct export *e, struct items *items)
{
	for (size_t i = 0; i < e->place->folder_count; i++)
		if (!list_folder(e, i, items)) {
			cmd_fail(_("can't read the spool %s: %s"), e->place->path, strerror(errno ? errno : ENOMEM));
			return false;
		}
	if (!items->count)
		return true;
	qsort(items->at, items->count, sizeof(*items->at), by_id);
	size_t kept = 1;
	for (size_t i = 1; i < items->count; i++)
		if (strcmp(items->at[i].id, items->at[kept - 1].id) != 0)
			items->at[kept++] = items->at[i];
	items->count = kept;
	return true;
}

static int open_in(const struct export *e, size_t folder, const char *name, struct stat *st)
{
	int fd = openat(e->place->folders[folder], name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) == 0)
		return fd < 0 ? -errno : fd;
	int err = -errno;
	fd_close(&fd);
	return err;
}

/* The folder with the journal of a message in FOLDER. */
static size_t logs_of(size_t folder)
{
	return folder == SPOOLPLACE_NEW ? SPOOLPLACE_CUR : folder;
}

/* Whether NAME in the folder is still the open file. */
static bool is_there(const struct export *e, size_t folder, const char *name, const struct stat *open)
{
	struct stat st;
	return fstatat(e->place->folders[folder], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == open->st_ino &&
	       st.st_dev == open->st_dev;
}

static void close_message(struct opened *o)
{
	fd_close(&o->fd);
	fd_close(&o->log);
}

static int damaged(struct export *e, const struct opened *o, const char *why)
{
	e->damaged++;
	return cmd_fail(_("%s: not exported: %s"), o->name.id, why);
}

/*
 * Opens and locks ITEM; the queue leaves it alone then. False: it is busy, gone or damaged, which is counted, or the
 * export is void.
 */
static bool claim(struct export *e, struct item *item, struct opened *o)
{
	char file[MSGNAME_MAX], log[LOG_NAME];
	*o = (struct opened){.name = name_of(item), .fd = -1, .log = -1};
	msgname_format(&o->name, file);
	item->busy = false;
	o->fd = open_in(e, item->folder, file, &o->st);
	if (o->fd == -ENOENT && item->folder == SPOOLPLACE_NEW) {
		item->folder = SPOOLPLACE_CUR;
		o->fd = open_in(e, item->folder, file, &o->st);
	}
	if (o->fd == -ENOENT) /* delivered meanwhile */
		return false;
	if (o->fd < 0) {
		damaged(e, o, strerror(-o->fd));
		return false;
	}
	int err = spool_lock(o->fd);
	enum yield yield = err ? YIELD_BUSY : spoolplace_yield(e->place, item->id);
	item->busy = yield == YIELD_BUSY;
	e->queue_lost |= yield == YIELD_FAILED;
	if (yield != YIELD_DONE || !is_there(e, item->folder, file, &o->st))
		return false;
	snprintf(log, sizeof(log), "%s.log", item->id);
	o->log = open_in(e, logs_of(item->folder), log, &o->log_st);
	if (o->log >= 0 || o->log == -ENOENT)
		return true;
	damaged(e, o, strerror(-o->log));
	return false;
}

static bool is_whole(struct export *e, const struct opened *o)
{
	struct stat st;
	bool good = fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == o->name.size &&
		    (o->log < 0 || (S_ISREG(o->log_st.st_mode) && o->log_st.st_size <= JOURNAL_FILE_MAX));
	if (!good)
		damaged(e, o,
			_("the file is not of the size in its name, or is no file; the queue would move it to badmail"));
	return good;
}

static bool read_log(const struct opened *o, struct str *to)
{
	str_init(to, JOURNAL_FILE_MAX);
	return o->log < 0 || (lseek(o->log, 0, SEEK_SET) == 0 && fd_read_all(o->log, to) == 0);
}

/* Whether its content is selected. */
static bool is_chosen(struct export *e, const struct opened *o)
{
	struct envelope envelope;
	struct arena arena;
	struct str text, journal;
	const char *why;
	if (!choose_needs_file(e->options))
		return true;
	arena_init(&arena, ENVELOPE_MAX);
	str_init(&text, ENVELOPE_MAX);
	bool chosen = read_log(o, &journal) && envelope_file_read(o->fd, &text, &arena, &envelope, &why) == 0 &&
		      choose_by_file(e->options, &envelope, str_span(&journal));
	str_free(&text);
	str_free(&journal);
	arena_free(&arena);
	return chosen;
}

/* A damaged disk spoils one message, not the archive. */
static bool copy(struct export *e, const struct opened *o)
{
	uint64_t before = e->archive->at;
	struct ustar log = {.size = 0}, file = {.size = o->name.size, .mtime = o->st.st_mtime};
	int err = 0;
	snprintf(log.name, sizeof(log.name), "%s.log", o->name.id);
	msgname_format(&o->name, file.name);
	if (o->log >= 0) {
		log.size = (uint64_t)o->log_st.st_size;
		log.mtime = o->log_st.st_mtime;
		err = archive_add_file(e->archive, &log, o->log);
	}
	if (!err)
		err = archive_add_file(e->archive, &file, o->fd);
	if (err == -EIO && archive_cut(e->archive, before) == 0)
		damaged(e, o, strerror(EIO));
	else
		e->error = err;
	return !err;
}

static void take(struct export *e, const struct item *item, const struct opened *o)
{
	if (e->leaving.folder < 0)
		return;
	e->error = leaving_take(&e->leaving, e->place->folders[item->folder], e->place->folders[logs_of(item->folder)],
				&o->name);
	if (!e->error && spoolplace_yield(e->place, item->id) == YIELD_FAILED)
		e->queue_lost = true;
}

static void export_one(struct export *e, struct item *item)
{
	struct opened o;
	if (claim(e, item, &o) && is_whole(e, &o) && is_chosen(e, &o) && copy(e, &o)) {
		take(e, item, &o);
		e->exported += !e->error;
		e->octets += o.name.size;
	}
	close_message(&o);
}

static void tell(const struct export *e, size_t done, size_t all, int64_t *told)
{
	int64_t now = clock_mono_ms();
	if (!e->show_progress || now - *told < PROGRESS_MS)
		return;
	*told = now;
	fprintf(stderr, "\r%zu/%zu ", done, all);
}

static bool is_void(const struct export *e)
{
	return e->error || e->queue_lost;
}

/* One pass over the items; true when some of them are busy. */
static bool pass(struct export *e, struct items *items, bool first)
{
	bool busy = false;
	int64_t told = clock_mono_ms();
	for (size_t i = 0; i < items->count && !is_void(e); i++) {
		if (first || items->at[i].busy)
			export_one(e, &items->at[i]);
		busy |= items->at[i].busy;
		tell(e, i + 1, items->count, &told);
	}
	return busy;
}

bool export_run(struct export *e)
{
	static const struct timespec wait = {.tv_nsec = WAIT_MS * 1000000};
	struct items items = {.at = NULL};
	if (!list_all(e, &items)) {
		free(items.at);
		return false;
	}
	for (int i = 0; pass(e, &items, i == 0) && i < PASSES && !is_void(e); i++)
		nanosleep(&wait, NULL);
	for (size_t i = 0; i < items.count; i++)
		e->busy += items.at[i].busy;
	free(items.at);
	if (e->show_progress)
		fputs("\r\033[K", stderr);
	return !is_void(e);
}
