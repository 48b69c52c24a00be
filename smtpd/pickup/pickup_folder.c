#include "smtpd/pickup/pickup_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/hash.h"
#include "common/base/network_fs.h"
#include "common/mail/msgid.h"

enum {
	HEARD = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
	EVENTS = 16 * 1024
};

static int watch(const char *path)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd >= 0 && inotify_add_watch(fd, path, HEARD) < 0)
		fd_close(&fd);
	return fd;
}

bool pickup_folder_open(struct pickup_folder *f, const char *path, bool maildrop)
{
	struct stat st;
	*f = (struct pickup_folder){.fd = -1, .inotify = -1, .maildrop = maildrop};
	f->path = strdup(path);
	f->watched = calloc(PICKUP_WATCHED, sizeof(*f->watched));
	f->moved = calloc(2 * PICKUP_MOVED, sizeof(*f->moved));
	if (!f->path || !f->watched || !f->moved)
		return false;
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = errno;
	if (f->fd >= 0 ? fstat(f->fd, &st) == 0 : stat(path, &st) == 0) {
		f->device = st.st_dev;
		f->inode = st.st_ino;
	}
	errno = err;
	if (f->fd < 0)
		return false;
	f->remote = network_fs(f->fd); /* others may write to it, which inotify does not report */
	f->inotify = watch(path);
	return true;
}

void pickup_folder_close(struct pickup_folder *f)
{
	if (f->listing)
		closedir(f->listing);
	fd_close(&f->fd);
	fd_close(&f->inotify);
	free(f->path);
	free(f->watched);
	free(f->moved);
	*f = (struct pickup_folder){.fd = -1, .inotify = -1};
}

bool pickup_folder_gone(const struct pickup_folder *f)
{
	struct stat st;
	if (stat(f->path, &st) < 0)
		return f->fd >= 0 && (errno == ENOENT || errno == ENOTDIR);
	return st.st_dev != f->device || st.st_ino != f->inode;
}

/* Never 0, which marks a free slot. */
static uint64_t hash_of(const char *name)
{
	uint64_t hash = hash_span(HASH_START, span_of(name));
	return hash ? hash : 1;
}

/* The slot of HASH among names that were moved here, or the free slot for it. */
static uint64_t *moved_slot(const struct pickup_folder *f, uint64_t hash)
{
	size_t i = hash % (2 * PICKUP_MOVED);
	while (f->moved[i] && f->moved[i] != hash)
		i = (i + 1) % (2 * PICKUP_MOVED);
	return &f->moved[i];
}

static void remember_moved(struct pickup_folder *f, const char *name)
{
	uint64_t hash = hash_of(name), *slot = moved_slot(f, hash);
	if (*slot || f->moved_count == PICKUP_MOVED)
		return;
	*slot = hash;
	f->moved_count++;
}

int64_t pickup_folder_hear(struct pickup_folder *f)
{
	_Alignas(struct inotify_event) char events[EVENTS];
	int64_t soon = -1;
	ssize_t got;
	while (f->inotify >= 0 && (got = read(f->inotify, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event = (const void *)(events + at);
			at += (ssize_t)(sizeof(*event) + event->len);
			if (event->len && event->name[0] == '.') /* hidden, or claimed by us */
				continue;
			bool moved = event->mask & IN_MOVED_TO && event->len;
			if (moved)
				remember_moved(f, event->name);
			/* A file that has a name in maildrop/ is complete, or is complete when sendmail closes it. */
			if (f->maildrop || !(event->mask & (IN_CLOSE_WRITE | IN_CREATE | IN_ATTRIB)))
				soon = 0;
			else if (soon < 0)
				soon = PICKUP_QUIET_MS;
		}
	}
	return soon;
}

const char *pickup_folder_next(struct pickup_folder *f)
{
	int fd = f->listing ? -1 : openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!f->listing)
		f->listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry = f->listing ? readdir(f->listing) : NULL;
	if (entry)
		return entry->d_name;
	if (f->listing)
		closedir(f->listing);
	else
		fd_close(&fd);
	f->listing = NULL;
	memset(f->moved, 0, 2 * PICKUP_MOVED * sizeof(*f->moved));
	f->moved_count = 0;
	return NULL;
}

bool pickup_folder_skips(const char *name)
{
	static const struct span unfinished[] = {SPAN(".tmp"), SPAN(".part"), SPAN(".partial"), SPAN(".filepart"),
						 SPAN("~")};
	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < sizeof(unfinished) / sizeof(unfinished[0]); i++)
		if (span_ends_nocase(span_of(name), unfinished[i]))
			return true;
	return false;
}

static int64_t ms_of(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Milliseconds since the file changed or was renamed; negative if another machine's clock is ahead of ours. */
static int64_t age_of(const struct stat *st)
{
	return clock_wall_ms() - ms_of(st->st_ctim);
}

static bool same_look(const struct pickup_watched *w, const struct stat *st)
{
	return w->inode == st->st_ino && w->size == st->st_size && w->changed.tv_sec == st->st_mtim.tv_sec &&
	       w->changed.tv_nsec == st->st_mtim.tv_nsec;
}

/* True if the file has not changed for long enough. If another file occupies its slot, it waits for that one. */
static bool quiet_by_watching(struct pickup_folder *f, const struct stat *st)
{
	struct pickup_watched *w = &f->watched[st->st_ino % PICKUP_WATCHED];
	int64_t now = clock_mono_ms();
	if (same_look(w, st)) {
		w->seen_ms = now;
		return now - w->since_ms >= PICKUP_WATCH_MS;
	}
	if (w->inode == st->st_ino || !w->inode || now - w->seen_ms > 2 * PICKUP_WATCH_MS)
		*w = (struct pickup_watched){st->st_ino, st->st_size, st->st_mtim, now, now};
	return false;
}

/* 1: no process has FD open for writing; 0: one has; -1: the file system can't tell. */
static int is_closed(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return 1;
	}
	return errno == EAGAIN ? 0 : -1;
}

/* FD is NAME, opened, and *st its status. */
static enum pickup_look look_at_open(struct pickup_folder *f, const char *name, int fd, const struct stat *st)
{
	int64_t age = age_of(st);
	if (f->maildrop)
		return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK ? PICKUP_WAIT : PICKUP_READY;
	int closed = is_closed(fd);
	if (closed == 0)
		return PICKUP_WAIT;
	if (st->st_size == 0 && age < PICKUP_EMPTY_MS)
		return PICKUP_WAIT;
	if (*moved_slot(f, hash_of(name)))
		return PICKUP_READY;
	if (closed < 0 || f->remote || age < 0)
		return quiet_by_watching(f, st) ? PICKUP_READY : PICKUP_WAIT;
	return age >= PICKUP_QUIET_MS ? PICKUP_READY : PICKUP_WAIT;
}

/* PICKUP_READY for a regular file with one link. */
static enum pickup_look look_at_kind(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return PICKUP_SKIP;
	if (!S_ISREG(st->st_mode))
		return PICKUP_SPECIAL;
	return st->st_nlink == 1 ? PICKUP_READY : PICKUP_LINKED;
}

static enum pickup_look unless_young(enum pickup_look odd, const struct stat *st)
{
	int64_t age = age_of(st);
	return age >= 0 && age < PICKUP_ODD_MS ? PICKUP_WAIT : odd;
}

/* Removes the unfinished file of a sendmail process that was killed: the file is old, and no process locks it. */
static void sweep(const struct pickup_folder *f, const char *name)
{
	struct stat st;
	if (name[0] != '.' || !msgid_valid(span_of(name + 1)) || fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || age_of(&st) < PICKUP_LEFT_MS)
		return;
	int fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(f->fd, name, 0);
	fd_close(&fd);
}

static bool skips(const struct pickup_folder *f, const char *name)
{
	struct msgname named;
	if (!f->maildrop)
		return pickup_folder_skips(name);
	sweep(f, name);
	return !msgname_parse(span_of(name), &named);
}

enum pickup_look pickup_folder_look(struct pickup_folder *f, const char *name, bool claimed, struct stat *st)
{
	*st = (struct stat){0};
	if (!claimed && skips(f, name))
		return PICKUP_SKIP;
	if (fstatat(f->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return PICKUP_SKIP;
	enum pickup_look kind = look_at_kind(st);
	if (kind != PICKUP_READY)
		return kind == PICKUP_SKIP ? kind : unless_young(kind, st);
	int fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? PICKUP_SKIP : unless_young(PICKUP_UNREADABLE, st);
	if (fstat(fd, st) == 0)
		kind = look_at_kind(st);
	enum pickup_look look = kind == PICKUP_READY ? look_at_open(f, name, fd, st) : PICKUP_WAIT;
	fd_close(&fd);
	return look;
}
